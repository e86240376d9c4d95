/**
 * The way to unsubscribe that a message carries: List-Unsubscribe (RFC 2369), List-Unsubscribe-Post (RFC 8058), and
 * `{{unsubscribe_url}}` in its content. What comes of it when someone uses it is not in here.
 */
import type { Content } from "../schema/email.ts";
import type { CompileContext } from "./compile.ts";
import type { OwnValue, Variable } from "./compiled.ts";
import { structuredField } from "./headers.ts";
import { type Bind, evenBraces } from "./variables.ts";
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
    writer.text(structuredField("List-Id", `<${listLabel(context)}.${content.from.domain}>`, false));
}

/** RFC 2919 section 3: labels of a list's name are not empty, which dots at a topic's end or side by side would make them. */
const listLabel = ({ unsubscribe }: Context): string =>
  (unsubscribe?.topic ?? "mail").replace(/\.+(?=\.|$)/g, "");

/** Whether a link unsubscribes, for to leave is no click: ours, and those the sender's own header names, variables and all. */
export function leaving(
  { headers }: Pick<Content, "headers">,
  { trackingBase }: Pick<CompileContext, "trackingBase">,
): (link: string) => boolean {
  const header = headers.find(({ name }) => name.toLowerCase() === "list-unsubscribe")?.value ?? "";
  const named = new Set([...header.matchAll(/<([^<>]+)>/g)].map(([, uri]) => comparable(uri!)));
  return (link) => link.startsWith(`${trackingBase}/u/`) || (named.size > 0 && named.has(comparable(link)));
}

/** A header's value is percent-encoded where a link's is not, and either may be spelled with capitals. */
function comparable(uri: string): string {
  const text = evenBraces(uri).trim();
  const spelled = URL.canParse(text) ? new URL(text).href : text;
  try {
    return decodeURIComponent(spelled);
  } catch {
    return spelled; // A % that begins no escape.
  }
}
