/** The way back on real servers: postfix and exim bounce an unknown user through POST /inbound, and the timeline tells the story. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testCertificates } from "../support/certificates.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { DOMAIN, PASSWORD, Postfix, USER, USERS } from "../support/postfix.ts";
import { PrivateMta } from "../support/private-mta.ts";

const BOUNCES = "bounces.mta.test";

const folders: { path: string; remove(): void }[] = [];
const folder = () => {
  const made = temporaryFolder();
  chmodSync(made.path, 0o755); // The pipe's user walks in.
  folders.push(made);
  return made.path;
};

/** A copy, as an administrator makes one: the pipe's user cannot walk into a checkout of somebody else's. */
const SCRIPT = join(folder(), "mail-in.sh");
copyFileSync(join(import.meta.dirname, "../../scripts/mail-in.sh"), SCRIPT);
chmodSync(SCRIPT, 0o755);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** The key that the server's pipe uses: one that may only send. */
async function giveKey(postern: Postern, file: string): Promise<void> {
  const { body } = await postern.api("POST", "/api-keys", { name: "mx", permission: "sending_access" });
  writeFileSync(file, `Authorization: Bearer ${body.token}\n`, { mode: 0o644 });
}

afterAll(async () => {
  await stopAll();
  for (const { remove } of folders) remove();
});

describe("postfix", () => {
  let postfix: Postfix;
  let port: number;
  const home = folder();
  const keyFile = join(home, "key");
  const variables = () => ({
    SMTP_URL: `smtp://${USER}:${encodeURIComponent(PASSWORD)}@localhost:${postfix.port}?tls=required`,
    NODE_EXTRA_CA_CERTS: testCertificates().authorityFile,
    PORT: String(port),
  });

  beforeAll(async () => {
    port = await freePort();
    postfix = await Postfix.start(folder(), {
      domain: BOUNCES,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: postfix fills it in.
      command: [SCRIPT, `http://127.0.0.1:${port}`, keyFile, "${recipient}"],
    });
  });
  afterAll(() => postfix?.stop());

  it("bounces an unknown user to the signed return path", async () => {
    const postern = await Postern.start(join(home, "token"), { ...variables(), BOUNCE_DOMAIN: BOUNCES });
    await giveKey(postern, keyFile);
    const id = await postern.send({
      from: `news@${DOMAIN}`,
      to: [`known@${USERS}`, `nobody@${USERS}`],
      subject: "Way back",
      text: "x",
    });
    const events = await postern.eventsOf(id, ["email.sent", "email.bounced"]);
    const [bounced, ...more] = events.filter(({ type }) => type === "email.bounced");
    expect(more).toEqual([]);
    expect(bounced).toMatchObject({
      recipient: `nobody@${USERS}`,
      data: {
        category: "unknown_mailbox",
        reason: "There is no such mailbox.",
        report: {
          recipient: `nobody@${USERS}`,
          action: "failed",
          status: "5.1.1",
          diagnostic: `unknown user: "nobody@${USERS}"`,
          permanent: true,
          matched_by: "token",
        },
      },
    });
    const story = events.filter(({ recipient }) => recipient === `nobody@${USERS}`).map(({ type }) => type);
    expect(story).toEqual(["email.sent", "email.bounced"]);
    const { body } = await postern.api("GET", `/emails/${id}`);
    const states = body.recipients as { email: string; status: string }[];
    expect(states.map(({ email, status }) => [email, status])).toEqual([
      [`known@${USERS}`, "sent"],
      [`nobody@${USERS}`, "bounced"],
    ]);
    await until(
      async () => (await postern.api("GET", `/suppressions/nobody@${USERS}`)).status === 200,
      20_000,
      () => "the bounce closed nothing",
    );
    expect((await postern.api("GET", `/suppressions/nobody@${USERS}`)).body).toMatchObject({
      origin: "bounce",
      category: "unknown_mailbox",
      source_id: id,
    });
    const next = await postern.send({
      from: `news@${DOMAIN}`,
      to: `Nobody@${USERS}`,
      subject: "Refused here",
      text: "x",
    });
    await postern.eventsOf(next, ["email.suppressed"]);
    expect((await postern.api("GET", `/emails/${next}`)).body).toMatchObject({
      last_event: "suppressed",
      recipients: [
        {
          status: "suppressed",
          category: "unknown_mailbox",
          explanation: "Suppressed: mail to this address bounced before. There is no such mailbox.",
        },
      ],
    });
    await postern.stop();
  });

  it("without BOUNCE_DOMAIN bounces to the sender, and the Message-ID tells", async () => {
    const postern = await Postern.start(join(home, "message-id"), variables());
    await giveKey(postern, keyFile);
    const id = await postern.send({
      from: `news@${BOUNCES}`,
      to: [`known@${USERS}`, `nobody@${USERS}`],
      subject: "Way back by id",
      text: "x",
    });
    const events = await postern.eventsOf(id, ["email.bounced"]);
    expect(events.find(({ type }) => type === "email.bounced")).toMatchObject({
      recipient: `nobody@${USERS}`,
      data: { category: "unknown_mailbox", report: { matched_by: "message_id" } },
    });
    await postern.stop();
  });

  it("keeps the bounce while nobody takes it, and hands it on afterwards", async () => {
    const data = join(home, "away");
    const more = { ...variables(), BOUNCE_DOMAIN: BOUNCES };
    let postern = await Postern.start(data, more);
    // A key that is none: what comes in is refused, and stays with postfix.
    writeFileSync(keyFile, "Authorization: Bearer po_nobody\n");
    const id = await postern.send({
      from: `news@${DOMAIN}`,
      to: `nobody@${USERS}`,
      subject: "Kept",
      text: "x",
    });
    await until(
      () => /bounces\.mta\.test.*status=deferred/.test(postfix.log()),
      30_000,
      () => postfix.log().slice(-3_000),
    );
    expect((await postern.events(id)).map(({ type }) => type)).toEqual(["email.sent"]);
    await postern.stop();
    postern = await Postern.start(data, more);
    await giveKey(postern, keyFile);
    await postern.eventsOf(id, ["email.bounced"], 60_000);
    await postern.stop();
  });

  it("is told to try again while nobody listens", () => {
    const { status, stderr } = spawnSync(SCRIPT, ["http://127.0.0.1:1", keyFile, "x@y.example"], {
      input: "a: b\r\n\r\n",
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([75, expect.stringContaining("curl")]);
  });
});

describe("exim", () => {
  it("bounces an unknown user to the signed return path", { timeout: 180_000 }, async () => {
    const home = folder();
    const keyFile = join(home, "key");
    const port = await freePort();
    const exim = await PrivateMta.start(folder(), {
      packages: ["exim4-daemon-light", "libidn12", "libgnutls-dane0", "libunbound8", "libnsl2"],
      users: ["Debian-exim"],
      owner: "Debian-exim",
      command: ["/usr/sbin/exim4", "-bdf"],
      etc: ({ port: listen, log }) => ({
        "exim4/exim4.conf": eximConfiguration(listen, log, `${SCRIPT} http://127.0.0.1:${port} ${keyFile}`),
      }),
    });
    try {
      const postern = await Postern.start(join(home, "data"), {
        SMTP_URL: `smtp://127.0.0.1:${exim.port}?tls=none`,
        PORT: String(port),
        BOUNCE_DOMAIN: BOUNCES,
      });
      await giveKey(postern, keyFile);
      const id = await postern.send({
        from: `news@${DOMAIN}`,
        to: `nobody@${DOMAIN}`,
        subject: "Way back",
        text: "x",
      });
      const events = await postern.eventsOf(id, ["email.sent", "email.bounced"]).catch((cause) => {
        throw new Error(`${cause}\n${exim.log()}`);
      });
      expect(events.find(({ type }) => type === "email.bounced")).toMatchObject({
        recipient: `nobody@${DOMAIN}`,
        data: {
          category: "unknown_mailbox",
          report: { status: "5.0.0", diagnostic: "Unrouteable address", matched_by: "token" },
        },
      });
      await postern.stop();
    } finally {
      await exim.stop();
    }
  });
});

const eximConfiguration = (port: number, log: string, command: string) => `
primary_hostname = mx.${DOMAIN}
local_interfaces = 127.0.0.1.${port}
log_file_path = ${join(log, "%slog")}
acl_smtp_rcpt = rcpt
host_lookup =
begin acl
rcpt:
  accept
begin routers
mail_in:
  driver = accept
  domains = ${BOUNCES}
  transport = mail_in
begin transports
mail_in:
  driver = pipe
  command = ${command}
  user = nobody
  group = nogroup
  return_path_add
  temp_errors = 75
  return_output = false
begin retry
* * F,1h,1m
`;
