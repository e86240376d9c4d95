/** A real exim4 takes 1,000 messages. It checks that nobody speaks out of turn (smtp_enforce_sync) and ends long sessions. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Postern, stopAll, temporaryFolder } from "../support/postern.ts";
import { DOMAIN, PrivateMta } from "../support/private-mta.ts";
import { sendThousand } from "../support/thousand.ts";

const folder = temporaryFolder();
const dataFolder = temporaryFolder();
let exim: PrivateMta;

beforeAll(async () => {
  exim = await PrivateMta.start(folder.path, {
    packages: ["exim4-daemon-light", "libidn12", "libgnutls-dane0", "libunbound8", "libnsl2"],
    users: ["Debian-exim"],
    owner: "Debian-exim",
    command: ["/usr/sbin/exim4", "-bdf"],
    etc: ({ port, mail, log }) => ({ "exim4/exim4.conf": configuration(port, mail, log) }),
  });
});
afterAll(async () => {
  await stopAll();
  await exim?.stop();
  folder.remove();
  dataFolder.remove();
});

const configuration = (port: number, mail: string, log: string) => `
primary_hostname = mx.${DOMAIN}
local_interfaces = 127.0.0.1.${port}
log_file_path = ${join(log, "%slog")}
acl_smtp_rcpt = rcpt
host_lookup =
# Deliver at once however many come over one connection.
smtp_accept_queue_per_connection = 0
begin acl
rcpt:
  accept domains = ${DOMAIN}
  deny
begin routers
box:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = ${mail}
  maildir_format
  user = Debian-exim
begin retry
* * F,1h,1m
`;

it("takes 1,000 messages", { timeout: 180_000 }, async () => {
  const postern = await Postern.start(join(dataFolder.path, "exim"), {
    SMTP_URL: `smtp://127.0.0.1:${exim.port}?tls=none`,
  });
  await sendThousand(postern, exim, DOMAIN);
  expect(exim.log()).not.toMatch(/synchronization|rejected/);
  // exim marks what came by BDAT with a K (its specification, section "Summary of Fields in Log Lines"). It offers CHUNKING.
  expect(exim.log().match(/ <= .* K /g)?.length).toBe(1_000);
  await postern.stop();
});
