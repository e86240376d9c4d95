/** The inbox's web side, on loopback only: the page, the messages as JSON, and their parts. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { displayHtml } from "./html.ts";
import { HEADER_LINES_SHOWN, TEXT_CHARS_SHOWN, WEB_REQUEST_MS } from "./limits.ts";
import { addressText, type Mailbox, type Message, parse } from "./mailbox.ts";

export interface Web {
  port: number;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type: string;
  body: string | Uint8Array;
  headers?: Record<string, string>;
}

const file = (name: string) => readFileSync(join(import.meta.dirname, "page", name));
const FILES: Record<string, Answer> = {
  "/": { status: 200, type: "text/html; charset=utf-8", body: file("inbox.html") },
  "/inbox.css": { status: 200, type: "text/css; charset=utf-8", body: file("inbox.css") },
  "/inbox.js": { status: 200, type: "text/javascript; charset=utf-8", body: file("inbox.js") },
  "/inbox.svg": { status: 200, type: "image/svg+xml", body: file("inbox.svg") },
};

/** The page runs its own script and nothing else; a mail is shown only in a frame. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** A mail loads images and styles from anywhere, as mail programs do, opens links in new tabs, and runs nothing. */
const MAIL_POLICY =
  "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src * data:; media-src *; style-src * 'unsafe-inline'; font-src * data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const PART_POLICY = "sandbox; default-src 'none'";
/** Shown in place; everything else is downloaded. SVG is left out since it is a document that may hold scripts. */
const INLINE_TYPES = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});
const notFound = json(
  { message: "There is no such message; the inbox keeps the last ones, in memory." },
  404,
);

/** Listens on a port (0: any free one) of 127.0.0.1. Rejects when it is taken. */
export function serveWeb(mailbox: Mailbox, smtpUrl: string, port: number): Promise<Web> {
  const server: Server = createServer(
    { headersTimeout: WEB_REQUEST_MS, requestTimeout: WEB_REQUEST_MS },
    (request, response) => {
      request.resume();
      answer(mailbox, smtpUrl, request)
        .catch((error: Error) => json({ message: error.message }, 500))
        .then(({ status, type, body, headers }) => {
          response.writeHead(status, {
            "Content-Type": type,
            "Content-Security-Policy": PAGE_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            ...headers,
          });
          response.end(request.method === "HEAD" ? undefined : body);
        });
    },
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}

async function answer(mailbox: Mailbox, smtpUrl: string, request: IncomingMessage): Promise<Answer> {
  if (!isLocal(request))
    return json({ message: "The inbox answers only under 127.0.0.1 and localhost." }, 403);
  const url = URL.parse(request.url ?? "/", "http://inbox");
  if (url === null) return notFound;
  const { pathname, searchParams } = url;
  const page = FILES[pathname];
  if (page !== undefined) return page;
  if (pathname === "/messages" && request.method === "DELETE") {
    mailbox.clear();
    return json({ version: mailbox.version });
  }
  if (request.method !== "GET" && request.method !== "HEAD")
    return json({ message: "Only GET, and DELETE /messages." }, 405);
  if (pathname === "/messages") {
    // The page asks every second; mostly nothing is new.
    if (searchParams.get("since") === String(mailbox.version))
      return { status: 204, type: "text/plain", body: "" };
    return json({ version: mailbox.version, smtp: smtpUrl, messages: mailbox.list() });
  }
  const [, id, part, index] =
    /^\/messages\/(\d+)(?:\/(html|raw|attachments)(?:\/(\d+))?)?$/.exec(pathname) ?? [];
  const message = id === undefined ? null : mailbox.get(id);
  return message === null ? notFound : messagePart(message, part, index, searchParams.has("download"));
}

async function messagePart(
  message: Message,
  part: string | undefined,
  index: string | undefined,
  download: boolean,
): Promise<Answer> {
  const path = `/messages/${message.id}`;
  if (part === "raw") {
    const headers = {
      "Content-Security-Policy": PART_POLICY,
      ...(download ? attachmentName(`message-${message.id}.eml`) : {}),
    };
    return {
      status: 200,
      type: download ? "message/rfc822" : "text/plain; charset=utf-8",
      body: message.raw,
      headers,
    };
  }
  const email = await parse(message.raw);
  if (part === "html") {
    if (email.html === undefined) return notFound;
    const body = displayHtml(email.html, email.attachments, `${path}/attachments/`);
    return {
      status: 200,
      type: "text/html; charset=utf-8",
      body,
      headers: { "Content-Security-Policy": MAIL_POLICY },
    };
  }
  if (part === "attachments") {
    const attachment = index === undefined ? undefined : email.attachments[Number(index)];
    if (attachment === undefined) return notFound;
    const inline = !download && INLINE_TYPES.test(attachment.mimeType);
    return {
      status: 200,
      type: inline ? attachment.mimeType : "application/octet-stream",
      body: bytesOf(attachment.content),
      headers: {
        "Content-Security-Policy": PART_POLICY,
        ...(inline ? {} : attachmentName(attachment.filename ?? `part-${index}`)),
      },
    };
  }
  const { raw: _, ...entry } = message;
  return json({
    ...entry,
    cc: email.cc?.map(addressText) ?? [],
    replyTo: email.replyTo?.map(addressText) ?? [],
    messageId: email.messageId ?? null,
    headers: email.headers.slice(0, HEADER_LINES_SHOWN).map(({ key, value }) => ({ name: key, value })),
    text: email.text?.slice(0, TEXT_CHARS_SHOWN) ?? null,
    html: email.html?.slice(0, TEXT_CHARS_SHOWN) ?? null,
    attachments: email.attachments.map((attachment, i) => ({
      name: attachment.filename ?? `part-${i}`,
      type: attachment.mimeType,
      bytes: bytesOf(attachment.content).length,
      contentId: attachment.contentId ?? null,
      url: `${path}/attachments/${i}`,
    })),
  });
}

/**
 * A page of another site must not read or empty the inbox: neither by a name of its own that points to 127.0.0.1 (DNS
 * rebinding; its Host gives it away) nor by a request from its script (its Origin does).
 */
function isLocal(request: IncomingMessage): boolean {
  const host = request.headers.host ?? "";
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host)) return false;
  const origin = request.headers.origin;
  return origin === undefined || request.method === "GET" || origin === `http://${host}`;
}

const bytesOf = (content: ArrayBuffer | Uint8Array | string): Uint8Array =>
  typeof content === "string" ? Buffer.from(content) : new Uint8Array(content);

/** RFC 6266, with RFC 8187's spelling for names beyond ASCII. */
const attachmentName = (name: string): Record<string, string> => ({
  "Content-Disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name.toWellFormed()).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
});
