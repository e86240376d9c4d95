/** 1,000 messages in one bulk to a real mail server, and what arrived. */
import { expect } from "vitest";
import { counts, readers, sendBulk, tally } from "./bulk.ts";
import type { Postern } from "./postern.ts";
import { until } from "./postern.ts";

const MESSAGES = 1_000;
/** A real server forks for each message, and syncs it to disk. */
const ARRIVE_MS = 120_000;
const BODY = "A line that begins with a dot is next.\n.\n..and one with two.\nGrüße, 你好.\n";

export async function sendThousand(
  postern: Postern,
  mta: { messages(): Buffer[]; log(): string },
  domain: string,
): Promise<void> {
  const wanted = readers(MESSAGES, domain);
  const id = await sendBulk(postern, wanted, { subject: "One of a thousand", text: BODY });
  await until(
    () => mta.messages().length >= MESSAGES,
    ARRIVE_MS,
    () => `${mta.messages().length} arrived; the server's log ends with\n${mta.log().slice(-3_000)}`,
  );
  expect(await counts(postern, id)).toEqual({ sent: MESSAGES });
  const arrived = mta.messages().map((raw) => raw.toString("utf8"));
  const to = arrived.map((text) => /^To: (\S+)\r?$/m.exec(text)?.[1] ?? "no To");
  expect(tally(to, wanted)).toEqual({ missing: [], strangers: [], duplicates: 0 });
  for (const text of arrived) expect(text).toMatch(/^Subject: One of a thousand\r?$/m);
}
