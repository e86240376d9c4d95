/** A real postfix takes 1,000 messages, over STARTTLS and logged in. */
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { testCertificates } from "../support/certificates.ts";
import { Postern, stopAll, temporaryFolder } from "../support/postern.ts";
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
});
