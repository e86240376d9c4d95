/**
 * The body's tree of parts (RFC 2045, 2046, 2387) as headers and bytes:
 *
 *     mixed( alternative( text, related( html, inline… ) ), attachment… )
 *
 * with every level left out that would hold one part only. Text goes as quoted-printable whatever it holds, so that
 * nothing on the way needs to change it; files go as base64 as they came.
 */

import { detectMimeType } from "nodemailer/lib/mime-funcs";
import { base64url } from "../core/bytes.ts";
import type { Attachment } from "../schema/attachment.ts";
import type { Slot } from "./compiled.ts";
import { dispositionField, fileTypeField } from "./file-name.ts";
import { parameterField, structuredField } from "./headers.ts";
import type { WireWriter } from "./wire.ts";

export interface Body {
  text: readonly (string | Slot)[] | null;
  html: readonly (string | Slot)[] | null;
  attachments: readonly Attachment[];
}

/** A part: its own header lines, and what writes its content. */
interface Part {
  head: string;
  write: (writer: WireWriter) => void;
  /** The line break that belongs to the delimiter after it (RFC 2046 section 5.1.1), where content does not bring one to spare. */
  tail: "\r\n" | "";
}

/** Writes the Content-… header lines of the message, the empty line, and the body. `random`: at least 16 bytes. */
export function writeBody(writer: WireWriter, body: Body, random: Uint8Array): void {
  const root = tree(body, boundaries(random));
  writer.text(`${root.head}\r\n`);
  root.write(writer);
  writer.endLine();
}

/** `=_` never occurs in quoted-printable (RFC 2045 section 6.7) nor in base64, so no line of a part looks like one. */
function boundaries(random: Uint8Array): () => string {
  const base = base64url(random.subarray(0, 16));
  let count = 0;
  return () => `=_${base}_${++count}`;
}

function tree({ text, html, attachments }: Body, boundary: () => string): Part {
  const inline = html === null ? [] : attachments.filter((file) => file.content_id !== null);
  const attached = attachments.filter((file) => !inline.includes(file));
  const mixed = attached.length > 0 ? boundary() : "";
  const alternatives: Part[] = [];
  const alternative = text !== null && html !== null ? boundary() : "";
  if (text !== null) alternatives.push(textPart("plain", text));
  if (html !== null) {
    const part = textPart("html", html);
    alternatives.push(
      inline.length === 0
        ? part
        : multipart(
            "related",
            boundary(),
            [part, ...inline.map((file) => filePart(file, true))],
            [`type="text/html"`],
          ),
    );
  }
  const content =
    alternatives.length === 1 ? alternatives[0]! : multipart("alternative", alternative, alternatives);
  if (attached.length === 0) return content;
  return multipart("mixed", mixed, [content, ...attached.map((file) => filePart(file, false))]);
}

function textPart(subtype: "plain" | "html", pieces: readonly (string | Slot)[]): Part {
  return {
    head:
      parameterField("Content-Type", `text/${subtype}; charset=utf-8`, []) +
      structuredField("Content-Transfer-Encoding", "quoted-printable", true),
    write: (writer) => writer.quotedPrintable(pieces),
    tail: "\r\n",
  };
}

function multipart(
  subtype: string,
  boundary: string,
  parts: readonly Part[],
  parameters: readonly string[] = [],
): Part {
  return {
    head: parameterField("Content-Type", `multipart/${subtype}`, [...parameters, `boundary="${boundary}"`]),
    write: (writer) => {
      for (const part of parts) {
        writer.text(`--${boundary}\r\n${part.head}\r\n`);
        part.write(writer);
        writer.text(part.tail);
      }
      writer.text(`--${boundary}--\r\n`);
    },
    tail: "",
  };
}

function filePart(file: Attachment, related: boolean): Part {
  const type = file.content_type ?? typeOf(file.filename);
  const composite = /^(?:message|multipart)\//i.test(type);
  const message = composite && /^message\//i.test(type) ? sevenBit(file.content) : null;
  // RFC 2045 section 6.4 forbids base64 for composite types. A message that is not 7-bit text goes as a plain file.
  const sent = composite && message === null ? "application/octet-stream" : type;
  const id = file.content_id === null ? "" : structuredField("Content-ID", `<${file.content_id}>`, false);
  const head =
    fileTypeField(sent, file.filename) +
    structuredField("Content-Transfer-Encoding", message === null ? "base64" : "7bit", true) +
    id +
    dispositionField(related ? "inline" : "attachment", file.filename);
  return {
    head,
    write: (writer) => (message === null ? writer.base64(file.content) : writer.sevenBit(message)),
    tail: message === null ? "" : "\r\n",
  };
}

const typeOf = (filename: string | null): string =>
  filename?.includes(".") ? detectMimeType(filename) : "application/octet-stream";

/** The bytes of a file that may go as 7bit (RFC 2045 section 2.7): ASCII lines of at most 998, no NUL, no lone CR; else null. */
function sevenBit(content: string): Uint8Array | null {
  const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
  let line = 0;
  for (const [i, byte] of bytes.entries()) {
    if (byte === 10) line = 0;
    else if (byte === 0 || byte > 127 || (byte === 13 && bytes[i + 1] !== 10)) return null;
    else if (++line > 999) return null;
  }
  return bytes;
}
