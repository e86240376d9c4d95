/** A real OpenSMTPD takes 1,000 messages. It allows 100 in a session, and says 452 to the next. */
import { join } from "node:path";
import { afterAll, beforeAll, it } from "vitest";
import { Postern, stopAll, temporaryFolder } from "../support/postern.ts";
import { DOMAIN, PrivateMta } from "../support/private-mta.ts";
import { sendThousand } from "../support/thousand.ts";

const folder = temporaryFolder();
const dataFolder = temporaryFolder();
let opensmtpd: PrivateMta;

beforeAll(async () => {
  opensmtpd = await PrivateMta.start(folder.path, {
    packages: ["opensmtpd", "libevent-2.1-7"],
    users: ["opensmtpd", "opensmtpq", "box"],
    owner: "box",
    command: [
      "sh",
      "-c",
      "mkdir -p /var/lib/opensmtpd/empty && chown 0:0 /var/spool && exec /usr/sbin/smtpd -d -f /etc/smtpd.conf",
    ],
    etc: ({ port, mail }) => ({
      "smtpd.conf": `
table boxes { "@${DOMAIN}" = "box" }
listen on 127.0.0.1 port ${port} hostname mx.${DOMAIN}
action "box" maildir "${mail}" virtual <boxes>
match from any for domain "${DOMAIN}" action "box"
`,
    }),
  });
});
afterAll(async () => {
  await stopAll();
  await opensmtpd?.stop();
  folder.remove();
  dataFolder.remove();
});

it("takes 1,000 messages", { timeout: 180_000 }, async () => {
  const postern = await Postern.start(join(dataFolder.path, "opensmtpd"), {
    SMTP_URL: `smtp://127.0.0.1:${opensmtpd.port}?tls=none`,
  });
  await sendThousand(postern, opensmtpd, DOMAIN);
  await postern.stop();
});
