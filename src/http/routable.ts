/** Whether the relays configured here would take a message at all, and whom it says it is from: asked before it is accepted. Pure. */
import type { FieldIssue, Problem } from "../core/errors.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Config } from "../env.ts";
import { type Mailbox, parseMailbox } from "../schema/address.ts";
import type { Content } from "../schema/email.ts";
import type { RecipientRow } from "../schema/event.ts";
import { routeOf } from "../smtp/routing.ts";

export interface Recipient {
  mailbox: Mailbox;
  kind: RecipientRow["kind"];
  /** Where in the request it stands. */
  path: string;
  /** Bulk only. */
  variables: Record<string, string> | null;
}

const invalid = (...issues: FieldIssue[]) => err<Problem>({ kind: "invalid", issues });

/** Whom a message says it is from: some readers show Sender beside From. */
export const sendersOf = (from: Mailbox, { headers }: Content): Mailbox[] => {
  const given = headers.find(({ name }) => name.toLowerCase() === "sender");
  const sender = given === undefined ? null : parseMailbox(given.value);
  return sender?.ok ? [from, sender.value] : [from];
};

/** Refuses before acceptance what no relay would take. */
export function checkRoutes(
  config: Config,
  from: string,
  recipients: readonly Recipient[],
  pin: string | null,
): Result<null, Problem> {
  const names = config.relays.map((relay) => relay.name);
  if (names.length === 0)
    return err({
      kind: "unavailable",
      message: "No relay is configured here: whoever runs this gateway must set SMTP_URL or RELAYS.",
      retryAfterSeconds: 300,
    });
  if (pin !== null && !names.includes(pin))
    return invalid({ path: "relay", message: `is not a relay here; known are ${names.join(", ")}` });
  const isRouted = (relays: Config["relays"], to: string) =>
    routeOf(relays, { from, to, pin }, () => 0.5) !== "";
  const stranded = recipients.find(({ mailbox }) => !isRouted(config.relays, mailbox.address));
  if (stranded === undefined) return ok(null);
  const whose = pin === null ? "a relay here" : `the relay ${pin}, which was asked for,`;
  const forAnyone = config.relays.map((relay) => ({ ...relay, to: ["*"] }));
  return isRouted(forAnyone, stranded.mailbox.address)
    ? invalid({ path: stranded.path, message: `is not a recipient that ${whose} is configured for` })
    : invalid({ path: "from", message: `is not a sender that ${whose} is configured for` });
}
