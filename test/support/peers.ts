/** What tests in workerd talk to, started under Node before them. Addresses are handed over with `provide`. */
import type { TestProject } from "vitest/node";
import { type MailRelays, startMailRelays } from "./mail-relay.ts";
import { type SmtpPeers, startSmtpPeers } from "./smtp-peers.ts";
import { startWebhookPeers, type WebhookPeers } from "./webhook-peers.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Base URL of the endpoint that starts SMTP peers: see smtp-peers.ts. */
    smtpPeers: string;
    /** Base URL of the endpoint that speaks for the configured relays: see mail-relay.ts. */
    mailRelays: string;
    /** Base URL of the endpoint that starts webhook endpoints: see webhook-peers.ts. */
    webhookPeers: string;
    /** What verifies the signatures of signed.example. */
    dkimKey: string;
  }
}

let smtp: SmtpPeers | undefined;
let relays: MailRelays | undefined;
let hooks: WebhookPeers | undefined;

export async function setup(project: TestProject): Promise<void> {
  smtp = await startSmtpPeers();
  project.provide("smtpPeers", smtp.url);
  relays = await startMailRelays((process.env.TEST_RELAY_PORTS ?? "").split(",").filter(Boolean).map(Number));
  project.provide("mailRelays", relays.url);
  hooks = await startWebhookPeers();
  project.provide("webhookPeers", hooks.url);
  project.provide("dkimKey", process.env.TEST_DKIM_KEY ?? "");
}

export async function teardown(): Promise<void> {
  smtp?.stop();
  hooks?.stop();
  await relays?.stop();
}
