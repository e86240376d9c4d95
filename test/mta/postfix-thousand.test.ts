/** A real postfix takes 1,000 messages, over STARTTLS and logged in. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { testCertificates } from "../support/certificates.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { DOMAIN, PASSWORD, Postfix, USER } from "../support/postfix.ts";
import { sendThousand } from "../support/thousand.ts";

const folder = temporaryFolder();
const dataFolder = temporaryFolder();
let postfix: Postfix;

beforeAll(async () => {
  postfix = await Postfix.start(folder.path);
});
afterAll(async () => {
  await stopAll();
  await postfix?.stop();
  folder.remove();
  dataFolder.remove();
});

it("takes 1,000 messages", { timeout: 180_000 }, async () => {
  const postern = await Postern.start(join(dataFolder.path, "postfix"), {
    SMTP_URL: `smtp://${USER}:${encodeURIComponent(PASSWORD)}@localhost:${postfix.port}?tls=required`,
    NODE_EXTRA_CA_CERTS: testCertificates().authorityFile,
  });
  await sendThousand(postern, postfix, DOMAIN);
  await postern.stop();
  // postfix counts each session's commands when it ends: "disconnect from … mail=250 rcpt=250 bdat=251 …". It offers CHUNKING.
  const counted = (command: string) =>
    [...postfix.log().matchAll(new RegExp(`disconnect from .* ${command}=(\\d+)`, "g"))].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  await until(
    () => counted("mail") >= 1_000,
    10_000,
    () => `postfix counted ${counted("mail")} messages in sessions that ended`,
  );
  expect([counted("mail"), counted("data")]).toEqual([1_000, 0]);
  expect(counted("bdat")).toBeGreaterThan(1_000); // One for each message, and one empty one for each session.
});
