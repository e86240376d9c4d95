/**
 * The way to unsubscribe that a message carries: List-Unsubscribe (RFC 2369), List-Unsubscribe-Post (RFC 8058), and
 * `{{unsubscribe_url}}` in its content. What comes of it when someone uses it is not in here.
 */
import type { Content } from "../schema/email.ts";
import type { CompileContext } from "./compile.ts";
import type { OwnValue, Variable } from "./compiled.ts";
import { structuredField } from "./headers.ts";
import type { Bind } from "./variables.ts";
import type { WireWriter } from "./wire.ts";

/** Names that stand for a recipient's unsubscribe link. The second is Resend's. */
export const UNSUBSCRIBE_NAMES: ReadonlySet<string> = new Set(["unsubscribe_url", "RESEND_UNSUBSCRIBE_URL"]);

type Context = Pick<CompileContext, "bulk" | "unsubscribe" | "trackingBase">;

const linkOf = ({ unsubscribe, trackingBase }: Context): OwnValue | null =>
  unsubscribe == null ? null : { kind: "unsubscribe_url", base: trackingBase, topic: unsubscribe.topic };

/** A link's name that no value can hold: one message's own. `random`: at least 16 bytes. */
export const secretName = (random: Uint8Array): string =>
  `unsubscribe_${Array.from(random.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/** What fills the variables of a message; null when it has none, and all braces are text. */
export function binder(context: Context): Bind | null {
  const link = linkOf(context);
  if (link === null) return context.bulk ? () => "recipient" : null;
  const own = context.unsubscribe?.name ?? null;
  const isLink = (name: string) => (own === null ? UNSUBSCRIBE_NAMES.has(name) : name === own);
  return (name) => (isLink(name) ? link : context.bulk ? "recipient" : null);
}

/**
 * The header lines. Both URIs of List-Unsubscribe stand on one line as long as one can hold them, since signers and receivers have been
 * seen to mistake a folded List-Unsubscribe (nodemailer issue 1654); the writer parts them between the two otherwise.
 * RFC 8058 section 3.1 wants an https URI beside List-Unsubscribe-Post: with another there is nothing to post to. Mail that can be
 * left is a list's, and says which (RFC 2919): SpamAssassin holds the one without the other against a short mail.
 */
export function writeUnsubscribe(writer: WireWriter, content: Content, context: Context): void {
  const link = linkOf(context);
  if (link === null) return;
  const own = (value: OwnValue): Variable => ({ name: "", fallback: null, own: value });
  const mail = context.unsubscribe?.mailDomain ?? null;
  writer.slot({
    kind: "header",
    name: "List-Unsubscribe",
    value: [
      "<",
      own(link),
      ...(mail === null
        ? [">"]
        : [">, <mailto:unsubscribe+", own({ kind: "unsubscribe_mail" }), `@${mail}?subject=unsubscribe>`]),
    ],
  });
  if (context.trackingBase.startsWith("https://"))
    writer.text(structuredField("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", false));
  if (!content.headers.some(({ name }) => name.toLowerCase() === "list-id"))
    writer.text(
      structuredField("List-Id", `<${context.unsubscribe?.topic ?? "mail"}.${content.from.domain}>`, false),
    );
}

/** Signs links, but not those that unsubscribe: to leave is not to click. Ours, and those the sender's own header names. */
export function clicksOnly(
  content: Content,
  { trackingBase, signLink }: Pick<CompileContext, "trackingBase" | "signLink">,
) {
  const header = content.headers.find(({ name }) => name.toLowerCase() === "list-unsubscribe")?.value ?? "";
  const named = new Set([...header.matchAll(/<\s*(https?:[^<>\s]+)\s*>/gi)].map(([, uri]) => uri));
  return (target: string): string | null =>
    named.has(target) || target.startsWith(`${trackingBase}/u/`) ? null : signLink(target);
}
