/** worker-mailer at run time: every member we stand on is there, and we name nothing that it already has. */
import { expect, test } from "vitest";
import { SmtpConnection } from "../../src/smtp/connection.ts";
import { SmtpSession } from "../../src/smtp/session.ts";
import { STOOD_ON, WorkerMailerBase } from "../../src/smtp/worker-mailer.ts";
import { relayAt, scripted } from "../support/smtp-control.ts";

const library = WorkerMailerBase.prototype as unknown as Record<string, unknown>;

test("each member we use or override is a method", () => {
  for (const name of STOOD_ON) expect([name, typeof library[name]]).toEqual([name, "function"]);
});

test("our methods replace only those that we mean to replace", () => {
  const ours = [SmtpConnection.prototype, SmtpSession.prototype].flatMap((one) =>
    Object.getOwnPropertyNames(one),
  );
  const shared = ours.filter((name) => name !== "constructor" && name in library);
  const meant: readonly string[] = STOOD_ON;
  expect(shared.filter((name) => !meant.includes(name))).toEqual([]);
});

test("the socket, its reader and its writer are where we look, and our fields shadow none of the library's", async () => {
  const port = await scripted({ connections: [[{ stall: true }]] });
  const deps = { now: Date.now, ehlo: "me.test" };
  const session = new SmtpSession(relayAt(port), port, "none", deps);
  expect(session.socket.opened).toBeInstanceOf(Promise);
  expect(typeof session.reader.read).toBe("function");
  expect(typeof session.writer.write).toBe("function");
  // Fields are defined after the library's constructor has run, so a shared name would overwrite its value.
  const ours = [
    "opening",
    "secrets",
    "waits",
    "step",
    "waitMs",
    "relay",
    "peer",
    "capabilities",
    "encrypted",
    "answeredCopies",
  ];
  const bare = new WorkerMailerBase({ host: "127.0.0.1", port, secure: false, startTls: false, logLevel: 4 });
  for (const name of ours) expect([name, name in bare]).toEqual([name, false]);
  session.drop();
  bare.socket.close().catch(() => {});
});
