/** What tests in workerd talk to, started under Node before them. Addresses are handed over with `provide`. */
import type { TestProject } from "vitest/node";
import { type MailRelays, startMailRelays } from "./mail-relay.ts";
import { type SmtpPeers, startSmtpPeers } from "./smtp-peers.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Base URL of the endpoint that starts SMTP peers: see smtp-peers.ts. */
    smtpPeers: string;
    /** Base URL of the endpoint that speaks for the configured relays: see mail-relay.ts. */
    mailRelays: string;
    /** What verifies the signatures of signed.example. */
    dkimKey: string;
  }
}

let smtp: SmtpPeers | undefined;
let relays: MailRelays | undefined;

export async function setup(project: TestProject): Promise<void> {
  smtp = await startSmtpPeers();
  project.provide("smtpPeers", smtp.url);
  relays = await startMailRelays((process.env.TEST_RELAY_PORTS ?? "").split(",").filter(Boolean).map(Number));
  project.provide("mailRelays", relays.url);
  project.provide("dkimKey", process.env.TEST_DKIM_KEY ?? "");
}

export async function teardown(): Promise<void> {
  smtp?.stop();
  await relays?.stop();
}
