/**
 * A real postfix for tests: its own configuration, queue and log under a temporary folder, on a loopback port, with
 * STARTTLS (a certificate of the tests' private authority) and SASL (cyrus, from its own sasldb). It must be started as
 * root, as postfix always is. Mail for the domain mta.test goes into a maildir; everything else is refused.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { testCertificates } from "./certificates.ts";
import { greets } from "./greets.ts";
import { until } from "./postern.ts";

export const DOMAIN = "mta.test";
export const USERS = "users.mta.test";
export const USER = "postern";
export const PASSWORD = "p@ss: wörd";

/** The first of Debian's places; a missing postfix fails the test, with a word on what to install. */
function found(paths: string[], debianPackage: string): string {
  const path = paths.find(existsSync);
  if (path === undefined) throw new Error(`${paths[0]} is missing; apt-get install ${debianPackage}`);
  return path;
}

/** With a way in: users.mta.test has one user, others are found out only after acceptance; a domain's mail goes to a program. */
export interface MailIn {
  domain: string;
  /** Words; `${recipient}` stands for the envelope's recipient. */
  command: string[];
}

export class Postfix {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
  }

  static async start(folder: string, mailIn: MailIn | null = null): Promise<Postfix> {
    const postfix = found(["/usr/sbin/postfix"], "postfix");
    const saslpasswd = found(["/usr/sbin/saslpasswd2"], "sasl2-bin libsasl2-modules");
    // postfix and virtual run as users of their own, and walk in from outside.
    chmodSync(folder, 0o755);
    for (const name of ["etc", "queue", "data", "mail", "tls", "etc/sasl"]) mkdirSync(join(folder, name));
    const port = await freePort();
    writeConfiguration(folder, port, mailIn);
    const database = join(folder, "etc/sasl/sasldb2");
    execFileSync(saslpasswd, ["-c", "-p", "-f", database, "-u", DOMAIN, USER], { input: PASSWORD });
    // smtpd has given up root by the time it asks.
    chmodSync(database, 0o644);
    const owner = (name: string) => execFileSync("chown", ["-R", "postfix", join(folder, name)]);
    owner("data");
    owner("mail");
    const child = spawn(postfix, ["-c", join(folder, "etc"), "start-fg"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    const started = new Postfix(folder, port, child);
    await until(
      () => greets(port),
      30_000,
      () => `postfix said: ${said}${started.log()}`,
    );
    return started;
  }

  /** Everything postfix logged. */
  log(): string {
    const path = join(this.#folder, "maillog");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Messages that have arrived, as the bytes on disk. */
  messages(): Buffer[] {
    const fresh = join(this.#folder, "mail", "box", "new");
    if (!existsSync(fresh)) return [];
    return readdirSync(fresh).map((name) => readFileSync(join(fresh, name)));
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    execFileSync("/usr/sbin/postfix", ["-c", join(this.#folder, "etc"), "stop"], { stdio: "ignore" });
    await gone;
  }
}

function writeConfiguration(folder: string, port: number, mailIn: MailIn | null): void {
  const id = (flag: string) => execFileSync("id", [flag, "postfix"], { encoding: "utf8" }).trim();
  const { trusted } = testCertificates();
  writeFileSync(join(folder, "tls", "server.pem"), trusted.cert);
  writeFileSync(join(folder, "tls", "server.key"), trusted.key, { mode: 0o600 });
  const main = {
    compatibility_level: "3.6",
    queue_directory: join(folder, "queue"),
    data_directory: join(folder, "data"),
    maillog_file: join(folder, "maillog"),
    maillog_file_prefixes: folder,
    myhostname: `mx.${DOMAIN}`,
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    mydestination: "",
    mynetworks: "",
    alias_maps: "",
    alias_database: "",
    local_recipient_maps: "",
    smtpd_banner: "$myhostname ESMTP",
    smtpd_tls_security_level: "may",
    smtpd_tls_auth_only: "yes",
    smtpd_tls_loglevel: "1",
    smtpd_tls_cert_file: join(folder, "tls", "server.pem"),
    smtpd_tls_key_file: join(folder, "tls", "server.key"),
    smtpd_sasl_auth_enable: "yes",
    smtpd_sasl_type: "cyrus",
    smtpd_sasl_path: "smtpd",
    smtpd_sasl_local_domain: DOMAIN,
    // Debian's postfix looks below its configuration whatever this says; others look here.
    cyrus_sasl_config_path: join(folder, "etc/sasl"),
    smtpd_relay_restrictions: "permit_sasl_authenticated, reject",
    smtpd_recipient_restrictions: "permit_sasl_authenticated, reject",
    virtual_mailbox_domains: DOMAIN,
    virtual_mailbox_base: join(folder, "mail"),
    virtual_mailbox_maps: "static:box/",
    virtual_minimum_uid: "1",
    virtual_uid_maps: `static:${id("-u")}`,
    virtual_gid_maps: `static:${id("-g")}`,
    virtual_transport: "virtual",
    default_transport: "error:nothing leaves this test",
    ...(mailIn === null
      ? {}
      : {
          virtual_mailbox_domains: `${DOMAIN}, ${USERS}`,
          virtual_mailbox_maps: `inline:{{@${DOMAIN}=box/}, {known@${USERS}=box/}}`,
          smtpd_reject_unlisted_recipient: "no",
          transport_maps: `inline:{{${mailIn.domain}=postern:}}`,
          minimal_backoff_time: "1s",
          queue_run_delay: "1s",
        }),
  };
  writeFileSync(
    join(folder, "etc", "main.cf"),
    Object.entries(main)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(""),
  );
  // Debian's services, none of them in a chroot, and the listener on our port.
  const services = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    "pickup unix n - n 60 1 pickup",
    "cleanup unix n - n - 0 cleanup",
    "qmgr unix n - n 300 1 qmgr",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "flush unix n - n 1000? 0 flush",
    "proxymap unix - - n - - proxymap",
    "smtp unix - - n - - smtp",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "discard unix - - n - - discard",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "scache unix - - n - 1 scache",
    "postlog unix-dgram n - n - 1 postlogd",
    ...(mailIn === null
      ? []
      : [`postern unix - n n - 10 pipe flags=R user=nobody argv=${mailIn.command.join(" ")}`]),
  ];
  writeFileSync(join(folder, "etc", "master.cf"), `${services.join("\n")}\n`);
  const sasl = [
    "pwcheck_method: auxprop",
    "auxprop_plugin: sasldb",
    `sasldb_path: ${join(folder, "etc/sasl/sasldb2")}`,
    "mech_list: PLAIN LOGIN CRAM-MD5",
  ];
  writeFileSync(join(folder, "etc/sasl/smtpd.conf"), `${sasl.join("\n")}\n`);
  // Maps of dynamic modules, where Debian has them apart.
  for (const name of ["dynamicmaps.cf", "dynamicmaps.cf.d", "postfix-files", "postfix-files.d"]) {
    if (existsSync(join("/etc/postfix", name)))
      cpSync(join("/etc/postfix", name), join(folder, "etc", name), { recursive: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
