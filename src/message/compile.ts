/**
 * A message compiled once, whoever it goes to: tracking put in, variables found, MIME written, with slots for what
 * differs per recipient. Pure: time, randomness and the signer are handed in.
 */
import { utf8 } from "../core/bytes.ts";
import type { FieldIssue } from "../core/errors.ts";
import type { EmailId } from "../core/ids.ts";
import { MB, MESSAGE_BYTES, SLOTS_BYTES } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { parseMailbox } from "../schema/address.ts";
import type { Content } from "../schema/email.ts";
import type { Compiled, Slot, Variable } from "./compiled.ts";
import { addressField, dateText, structuredField, textField } from "./headers.ts";
import { instrument } from "./instrument.ts";
import { linkSlot } from "./link-template.ts";
import { writeBody } from "./mime.ts";
import { withPreheader } from "./preheader.ts";
import { isBare, scanHtml } from "./scan.ts";
import { headerFault, headerPath, isMailboxHeader, isStructured, mayFold } from "./structured.ts";
import { textOf } from "./text.ts";
import { instrumentText } from "./text-links.ts";
import { binder, leaving, writeUnsubscribe } from "./unsubscribe.ts";
import { type Bind, findVariables, headerTemplate, splitVariables } from "./variables.ts";
import { WireWriter } from "./wire.ts";

export interface CompileContext {
  id: EmailId;
  /** For the Date header, milliseconds since 1970. */
  now: number;
  /** At least 16 random bytes, for MIME boundaries. */
  random: Uint8Array;
  /** Base URL of tracking links, without a slash at the end. */
  trackingBase: string;
  opens: boolean;
  clicks: boolean;
  /** Links of the text part too. Absent: no, since a reader of text sees the address itself. */
  textClicks?: boolean;
  /** Signs a link: the exact target, decoded, in; what stands after `/c/TOKEN/` out. Null: the target cannot be tracked, leave it. */
  signLink: (target: string) => string | null;
  /**
   * Null or absent: nothing is added. `mailDomain`: where mail to leave goes; null: nowhere. `name`: what the link is called
   * in content that was rendered (`render.ts`); absent: `unsubscribe_url`.
   */
  unsubscribe?: { topic: string | null; mailDomain: string | null; name?: string } | null;
  /** Bulk: To, Message-ID and variables are slots. Otherwise the headers are constant and `{{…}}` is plain text. */
  bulk: boolean;
}

export interface CompiledEmail {
  compiled: Compiled;
  /** With angle brackets; null for bulk. */
  messageId: string | null;
  /** The text part as sent, also when it was made from html; null when it came out empty. */
  text: string | null;
}

/**
 * The message, or every field at fault. A single message takes the caller's own Message-ID header when it is valid,
 * so that threads they keep go on working; in bulk each copy needs its own, and one given is an error.
 */
export function compile(content: Content, context: CompileContext): Result<CompiledEmail, FieldIssue[]> {
  const faults = contentFaults(content, context.bulk);
  if (faults.length > 0) return err(faults);
  const text = content.text ?? (content.html === null ? "" : textOf(content.html));
  const bind = binder(context);
  const isLeaving = leaving(content, context);
  const followed: Followed = {
    ...context,
    isLeaving,
    signLink: (target) => (isLeaving(target) ? null : context.signLink(target)),
  };
  const given = content.headers.find(({ name }) => name.toLowerCase() === "message-id");
  const messageId = context.bulk ? null : (given?.value.trim() ?? `<${context.id}@${content.from.domain}>`);

  const writer = new WireWriter(expectedBytes(content, text));
  writeHeaders(writer, content, context, bind, messageId);
  writeBody(
    writer,
    {
      text: text === "" && content.html !== null ? null : textPieces(text, followed, bind),
      html:
        content.html === null
          ? null
          : htmlPieces(withPreheaderOf(content.html, content, bind), followed, bind),
      attachments: content.attachments,
    },
    context.random,
  );
  const bytes = writer.finish();
  if (bytes.length > MESSAGE_BYTES) return err([tooLarge(content, bytes.length)]);
  if (mayOutgrow(writer.slots)) {
    const kept = utf8(JSON.stringify(writer.slots)).length;
    if (kept > SLOTS_BYTES) return err([tooManySlots(content, writer.slots.length, kept)]);
  }
  const mailboxes = [content.from, ...(context.bulk ? [] : content.to), ...content.cc, ...content.reply_to];
  const smtputf8 =
    mailboxes.some((mailbox) => mailbox.smtputf8) ||
    content.headers.some((header) => senderNeedsUtf8(header));
  return ok({
    compiled: { bytes, slots: writer.slots, smtputf8 },
    messageId,
    text: text === "" ? null : text,
  });
}

function writeHeaders(
  writer: WireWriter,
  content: Content,
  context: CompileContext,
  bind: Bind | null,
  messageId: string | null,
): void {
  const variable = (name: string, value: string): boolean => {
    const template = bind === null ? null : headerTemplate(value, bind);
    if (template !== null) writer.slot({ kind: "header", name, value: template });
    return template !== null;
  };
  writer.text(addressField("From", [content.from]));
  if (context.bulk) {
    writer.text("To: ");
    writer.slot({ kind: "to" });
    writer.text("\r\n");
  } else if (content.to.length > 0) writer.text(addressField("To", content.to));
  if (content.cc.length > 0) writer.text(addressField("Cc", content.cc));
  if (content.reply_to.length > 0) writer.text(addressField("Reply-To", content.reply_to));
  if (!variable("Subject", content.subject)) writer.text(textField("Subject", content.subject));
  if (messageId === null) {
    writer.text("Message-ID: <");
    writer.slot({ kind: "message_id" });
    writer.text(">\r\n");
  } else writer.text(structuredField("Message-ID", messageId, false));
  writer.text(structuredField("Date", dateText(context.now), false));
  writer.text(structuredField("MIME-Version", "1.0", false));
  for (const { name, value } of content.headers) {
    if (name.toLowerCase() === "message-id" || variable(name, value)) continue;
    if (isMailboxHeader(name)) {
      const mailbox = parseMailbox(value);
      if (mailbox.ok) writer.text(addressField(name, [mailbox.value]));
    } else if (isStructured(name)) writer.text(structuredField(name, value, mayFold(name)));
    else writer.text(textField(name, value));
  }
  writeUnsubscribe(writer, content, context);
}

function textPieces(text: string, context: CompileContext, bind: Bind | null): readonly (string | Slot)[] {
  const pieces = context.textClicks === true ? instrumentText(text, context) : [text];
  if (bind === null) return pieces;
  return pieces.flatMap((piece) =>
    typeof piece === "string" ? splitVariables(piece, bind, () => "text") : [piece],
  );
}

const withPreheaderOf = (html: string, { preheader }: Content, bind: Bind | null): string =>
  preheader == null || preheader === "" ? html : withPreheader(html, preheader, bind !== null);

/** With `signLink` that leaves links alone by which recipients leave. */
interface Followed extends CompileContext {
  isLeaving: (link: string) => boolean;
}

function htmlPieces(html: string, context: Followed, bind: Bind | null): readonly (string | Slot)[] {
  const scan = scanHtml(html);
  const pieces: (string | Slot)[] = [];
  const spellingAt = (at: number) => (isBare(html, scan, at) ? "unquoted" : "html");
  const linkTemplate = (value: string, at: number) =>
    bind === null ? null : linkSlot(value, context, bind, (within) => spellingAt(at + within));
  for (const piece of instrument(html, scan, { ...context, linkTemplate })) {
    if ("kind" in piece) pieces.push(piece);
    else if (bind === null || piece.at < 0) pieces.push(piece.text);
    else
      pieces.push(
        ...splitVariables(piece.text, bind, (at) =>
          isBare(html, scan, piece.at + at) ? "unquoted" : "html",
        ),
      );
  }
  return pieces;
}

const senderNeedsUtf8 = ({ name, value }: { name: string; value: string }): boolean => {
  if (!isMailboxHeader(name)) return false;
  const mailbox = parseMailbox(value);
  return mailbox.ok && mailbox.value.smtputf8;
};

/** What the schema has checked already, and what only the writer knows: checked again, since others may call. */
function contentFaults(content: Content, bulk: boolean): FieldIssue[] {
  const issues: FieldIssue[] = [];
  const subject = headerFault("Subject", content.subject);
  if (subject !== null) issues.push({ path: "subject", message: subject });
  for (const { name, value } of content.headers) {
    const path = headerPath(name);
    const message = (bulk ? bulkHeaderFault(name, value) : null) ?? headerFault(name, value);
    if (message !== null) issues.push({ path, message });
  }
  for (const [i, file] of content.attachments.entries()) {
    for (const field of ["filename", "content_type", "content_id"] as const) {
      if (/\p{Cc}/u.test(file[field] ?? ""))
        issues.push({
          path: `attachments[${i}].${field}`,
          message: "has a line break or another control character",
        });
    }
  }
  if (content.html === null && (content.preheader ?? "") !== "")
    issues.push({ path: "preheader", message: "needs `html`: a text part has no place to hide it" });
  if (content.html === null && content.text === null)
    issues.push({ path: "html", message: "is missing: give `html`, `text` or both" });
  if (issues.length === 0 && expectedBytes(content, content.text ?? "") > MESSAGE_BYTES + SLACK) {
    issues.push(tooLarge(content, expectedBytes(content, content.text ?? "")));
  }
  return issues;
}

/** What only a message to many cannot have. A recipient's value could make another mailbox of one. */
function bulkHeaderFault(name: string, value: string): string | null {
  if (name.toLowerCase() === "message-id")
    return "may not be set here: each copy of a bulk message has its own";
  return isMailboxHeader(name) && !findVariables(value).next().done
    ? "may not hold variables in a bulk message: it names one mailbox, the same in every copy"
    : null;
}

/** Bytes of a slot as JSON: those around its texts, and the most that a character of these takes. */
const SLOT_BYTES = 120;
const WIDEST = 6;

/** Whether slots may be more than is kept of a message; most have a few dozen. */
function mayOutgrow(slots: CompiledEmail["compiled"]["slots"]): boolean {
  let bytes = 0;
  const add = (piece: string | Variable): void => {
    bytes +=
      typeof piece === "string"
        ? WIDEST * piece.length
        : SLOT_BYTES + piece.name.length + WIDEST * (piece.fallback?.length ?? 0);
  };
  for (const { slot } of slots) {
    bytes += SLOT_BYTES;
    if (slot.kind === "variable") add(slot);
    else if (slot.kind === "header") slot.value.forEach(add);
    else if (slot.kind === "link") [slot.base, ...slot.target, ...slot.raw].forEach(add);
  }
  return bytes > SLOTS_BYTES;
}

const tooManySlots = ({ html, text }: Content, count: number, bytes: number): FieldIssue => ({
  path: (html?.length ?? 0) >= (text?.length ?? 0) ? "html" : "text",
  message: `has ${count} places for links, variables and the like, which make ${(bytes / MB).toFixed(2)} MB; at most ${SLOTS_BYTES / MB} MB are taken`,
});

const SLACK = 64 * 1024;
const wireBytes = (base64: string): number => Math.ceil(base64.length / 76) * 78;

/** A guess that saves growing, good enough to refuse what is far too large before it is written. */
function expectedBytes(content: Content, text: string): number {
  let total = 4096 + content.headers.length * 200 + text.length + (content.html?.length ?? 0);
  total += total >> 3;
  for (const file of content.attachments) total += wireBytes(file.content) + 600;
  return total;
}

/** Names the largest part, which is the one to make smaller. */
function tooLarge(content: Content, bytes: number): FieldIssue {
  const parts: [path: string, bytes: number][] = [
    ["html", content.html?.length ?? 0],
    ["text", content.text?.length ?? 0],
    ...content.attachments.map((file, i): [string, number] => [`attachments[${i}]`, wireBytes(file.content)]),
  ];
  const [path, size] = parts.reduce((most, part) => (part[1] > most[1] ? part : most));
  const mb = (count: number): string => (count / 1024 / 1024).toFixed(1);
  return {
    path,
    message: `is ${mb(size)} MB of a message of ${mb(bytes)} MB; relays take at most ${mb(MESSAGE_BYTES)} MB in all, encoded`,
  };
}
