/**
 * What is nowhere: bodies with CONTENT=none, and a person who was erased. Looked for in every row of every table of every
 * object, on disk, after the process has ended.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, describe, expect, it } from "vitest";
import { mentions } from "../../src/schema/erasure.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const folder = temporaryFolder();
const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
afterAll(async () => {
  await stopAll();
  relay.close();
  folder.remove();
});
const start = async (variables: Record<string, string> = {}) =>
  Postern.start(folder.path, {
    SMTP_URL: `smtp://127.0.0.1:${port}?tls=none`,
    SHARDS: "2",
    ...variables,
  });
const port = await relay.listen();

/** Every row there is, as text, with where it stands. */
function everything(): { place: string; text: string }[] {
  const files = readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".sqlite"),
  );
  return files.flatMap((file) => {
    const database = new Database(join(folder.path, file));
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as {
      name: string;
    }[];
    const rows = tables.flatMap(({ name }) =>
      (database.prepare(`SELECT * FROM "${name}"`).raw(true).all() as unknown[][]).map((row) => ({
        place: `${file.split("/").at(-2)}/${name}`,
        // Blobs may hold text, too.
        text: row
          .map((value) =>
            value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value),
          )
          .join("\n"),
      })),
    );
    database.close();
    return rows;
  });
}
const placesOf = (found: (text: string) => boolean) => [
  ...new Set(everything().flatMap(({ place, text }) => (found(text) ? [place] : []))),
];

const mail = (to: string | string[], more: object = {}) => ({
  from: "a@example.com",
  to,
  subject: "Hello",
  ...more,
});
const body = (word: string) => ({ html: `<p>The word is ${word}.</p>`, text: `The word is ${word}.` });

describe("CONTENT=none", () => {
  it("keeps nothing of html and text once it is sent, and says null", async () => {
    // First without it: this way of looking finds what there is.
    const before = await start();
    const kept = await before.send(mail("a@example.net", body("kumquat")));
    await before.eventsOf(kept, ["email.sent"]);
    expect((await before.api("GET", `/emails/${kept}`)).body.text).toBe("The word is kumquat.");
    await before.stop();
    expect(placesOf((text) => text.includes("kumquat"))).not.toEqual([]);

    const postern = await start({ CONTENT: "none" });
    const id = await postern.send(mail("b@example.net", { ...body("rambutan"), subject: "A tamarillo" }));
    await postern.eventsOf(id, ["email.sent"]);
    await until(
      () => relay.log.taken.includes("b@example.net"),
      10_000,
      () => "no mail",
    );
    expect((await postern.api("GET", `/emails/${id}`)).body).toMatchObject({
      html: null,
      text: null,
      subject: "A tamarillo",
    });
    await postern.stop();
    expect(placesOf((text) => text.includes("rambutan"))).toEqual([]);
    expect(placesOf((text) => text.includes("tamarillo"))).not.toEqual([]);
  });
});

describe("DELETE /recipients/:email", () => {
  const BOB = "Bob+news@erased.example";
  const names = (text: string) => mentions(text, BOB);

  it("leaves nothing of a person in any table, and everything of the others", async () => {
    const postern = await start({ WEBHOOK_PRIVATE: "allow" });
    const hook = { endpoint: "http://127.0.0.1:9/nobody-listens", events: ["email.sent", "email.opened"] };
    expect((await postern.api("POST", "/webhooks", hook)).status).toBe(201);
    const alone = await postern.send(mail(`Bob <${BOB}>`, body("alone")));
    const shared = await postern.send(
      mail(["bea@example.net", BOB], { cc: "carl@example.net", ...body("shared") }),
    );
    const later = await postern.send(
      mail(BOB, { text: "Later", scheduled_at: new Date(Date.now() + 3_600_000).toISOString() }),
    );
    const { body: bulk } = await postern.api("POST", "/emails/bulk", {
      from: "a@example.com",
      subject: "Hello",
      text: "Hello {{name}}",
      recipients: [BOB, "dora@example.net"].map((to) => ({ to, variables: { name: to } })),
    });
    for (const id of [alone, shared, String(bulk.id)]) await postern.eventsOf(id, ["email.sent"]);
    await postern.api("POST", "/suppressions", { email: BOB });

    const erased = await postern.api("DELETE", `/recipients/${encodeURIComponent(BOB.toLowerCase())}`);
    expect(erased.status).toBe(200);
    expect(erased.body).toMatchObject({
      object: "erasure",
      erased: { recipients: 4, emails: 2, deliveries: 1, emails_changed: 1, suppressions_hashed: 1 },
      in_flight: 0,
      complete: true,
    });
    expect((erased.body.erased as Record<string, number>).events).toBeGreaterThanOrEqual(4);
    for (const id of [alone, later]) expect((await postern.api("GET", `/emails/${id}`)).status).toBe(404);
    expect((await postern.api("GET", `/emails/${shared}`)).body).toMatchObject({
      to: ["bea@example.net"],
      cc: ["carl@example.net"],
      text: "The word is shared.",
    });
    const again = await postern.api("DELETE", `/recipients/${encodeURIComponent(BOB)}`);
    expect(Object.values(again.body.erased as object).every((count) => count === 0)).toBe(true);
    const wrong = await postern.api("DELETE", "/recipients/bob");
    expect([wrong.status, wrong.body.name]).toEqual([422, "invalid_parameter"]);
    // The wish outlives the record of it: nothing is sent to them.
    const refused = await postern.send(mail(BOB, body("refused")));
    await postern.eventsOf(refused, ["email.suppressed"]);
    await postern.api("DELETE", `/recipients/${encodeURIComponent(BOB)}`);
    await postern.stop();
    expect(placesOf(names)).toEqual([]);
    expect(placesOf((text) => text.includes("bea@example.net"))).not.toEqual([]);
    expect(relay.log.taken.filter((to) => to.toLowerCase() === BOB.toLowerCase())).toHaveLength(3);
  });
});
