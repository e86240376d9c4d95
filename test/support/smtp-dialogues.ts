/** Dialogues with a scripted relay: exact bytes compared, whole and a byte at a time, and cut off at every line. */
import { describe, expect, test } from "vitest";
import { Pool } from "../../src/smtp/pool.ts";
import type { Relay } from "../../src/smtp/relay.ts";
import {
  copyTo,
  ListSource,
  relayAt,
  type ScriptStep,
  scripted,
  scriptLog,
  short,
  until,
} from "./smtp-control.ts";

export const say = (text: string): ScriptStep => ({ say: text });
export const hear = (text: string): ScriptStep => ({ expect: text });
export const MAIL = "MAIL FROM:<news@example.com>\r\n";
export const BODY = "Subject: Hello\r\n\r\nHello.\r\n.\r\n";
export const GREET = [say("220 relay ready\r\n"), hear("EHLO me.test\r\n")];
export const QUIT = [hear("QUIT\r\n"), say("221 bye\r\n")];

export async function run(relay: Relay, source: ListSource, ms = 2_000): Promise<void> {
  const pool = new Pool(relay, { now: Date.now, ehlo: "me.test", deadlines: short(ms) });
  await pool.work(source);
  await pool.close();
  expect(pool.state).toMatchObject({ open: 0, busy: 0 });
}

/** A dialogue: the script, the copies, what comes of them, and the relay's settings. */
export interface Dialogue {
  name: string;
  steps: ScriptStep[];
  to: string[];
  outcomes: string[];
  query?: string;
  user?: string;
}

const copiesOf = (to: string[]) =>
  to.map((one) =>
    one.startsWith("large") ? copyTo(one, `Subject: x\r\n\r\n${"x".repeat(100)}\r\n`) : copyTo(one),
  );

/** Tests for each of them. */
export function playDialogues(dialogues: readonly Dialogue[]): void {
  describe("a dialogue", () => {
    for (const { name, steps, to, outcomes, query, user } of dialogues) {
      for (const pace of ["whole", "bytes"] as const) {
        test(`${name} (${pace})`, async () => {
          const port = await scripted({ connections: [steps], pace });
          const source = new ListSource(copiesOf(to));
          await run(
            relayAt(port, `${query ?? ""}${query === undefined ? "?" : "&"}connections=1`, user),
            source,
          );
          expect(source.outcomes).toEqual(outcomes);
          expect(source.failures).toEqual([]);
          const log = await until(
            () => scriptLog(port),
            ({ open }) => open === 0,
          );
          expect(log.connections.map(({ wrong }) => wrong)).toEqual([null]);
          expect(log.open).toBe(0);
        });
      }

      test(`${name}: cut off at every line, every copy is accounted for`, async () => {
        for (let at = 1; at < steps.length - QUIT.length; at++) {
          const cut: ScriptStep[] = [...steps.slice(0, at), { hangUp: at % 2 === 0 ? "end" : "reset" }];
          const port = await scripted({ connections: [cut] });
          const source = new ListSource(copiesOf(to));
          await run(
            relayAt(port, `${query ?? ""}${query === undefined ? "?" : "&"}connections=1`, user),
            source,
          );
          // Taken, and told of exactly once; the rest still waits in the source.
          expect(source.attempts.length).toBe(source.taken);
          expect(source.taken + source.queue.length).toBe(to.length);
          expect(source.failures.length).toBeLessThanOrEqual(1);
          if (source.queue.length > 0) expect(source.failures.length).toBe(1);
          for (const { attempt } of source.attempts) expect(attempt.durationMs).toBeLessThan(2_000);
        }
      });
    }
  });
}
