/** Attachments: their bytes as base64, as JSON spells a Buffer, or an address to fetch them from. */
import { z } from "zod";
import { FILE_NAME_CHARS } from "../core/limits.ts";
import { base64Of, checkBase64 } from "./base64.ts";
import { oneLine } from "./text.ts";

export interface Attachment {
  filename: string | null;
  /** Base64 (RFC 4648 section 4) as the caller sent it, checked, white space removed. Empty while `path` is set. */
  content: string;
  /** Bytes after decoding. */
  size: number;
  /** An address that the file is still to be fetched from. Absent: it is here. */
  path?: string;
  /** Null: from the file name's extension, else application/octet-stream. */
  content_type: string | null;
  /** Set: the part is inline, and `cid:` links in the html refer to it. */
  content_id: string | null;
}

/** type/subtype with parameters (RFC 2045 section 5.1), without anything that could end the header. */
const MEDIA_TYPE =
  /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}(\s*;\s*[a-z0-9_.*-]{1,40}=("[\x20\x21\x23-\x5b\x5d-\x7e]{0,100}"|[a-z0-9!#$&^_.+-]{1,100})){0,5}$/i;

/** What JSON makes of Node's Buffer, as older SDKs of Resend send it. */
interface NodeBuffer {
  type: "Buffer";
  data: number[];
}
const isNodeBuffer = (value: unknown): boolean => {
  const { type, data } = (typeof value === "object" && value !== null ? value : {}) as Partial<NodeBuffer>;
  return (
    type === "Buffer" &&
    Array.isArray(data) &&
    data.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
  );
};

/** A file as the caller gives it. */
export const attachment = z
  .object({
    filename: oneLine("a file name", FILE_NAME_CHARS).nullish(),
    content: z
      .union(
        [
          z.string(),
          z.custom<NodeBuffer>(isNodeBuffer).meta({
            type: "object",
            properties: { type: { const: "Buffer" }, data: { type: "array", items: { type: "integer" } } },
          }),
        ],
        "must be the file's bytes as base64 text",
      )
      .describe("The file's bytes as base64.")
      .nullish(),
    path: z
      .string("must be the address of the file")
      .describe("Address to fetch the file from, instead of `content`.")
      .nullish(),
    content_type: z
      .string("must be text such as `image/png`")
      .regex(MEDIA_TYPE, "is not a media type such as `image/png`")
      .nullish(),
    content_id: z
      .string("must be text")
      .regex(
        /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,128}$/,
        "may hold 1 to 128 letters, digits and . _ - @ without spaces or brackets",
      )
      .nullish(),
  })
  .transform((value, ctx): Attachment => {
    const fail = (path: string, message: string): never => {
      ctx.addIssue({ code: "custom", path: [path], message });
      return z.NEVER;
    };
    const remote = value.content == null ? (value.path ?? null) : null;
    if (value.content == null && remote === null)
      return fail("content", "is missing: the file's bytes as base64 text, or its address in `path`");
    const text = typeof value.content === "string" ? value.content : base64Of(value.content?.data ?? []);
    const checked = checkBase64(text);
    if (!checked.ok) return fail("content", checked.error);
    return {
      filename: value.filename ?? null,
      content: checked.value.text,
      size: checked.value.size,
      ...(remote === null ? {} : { path: remote }),
      content_type: value.content_type ?? null,
      content_id: value.content_id ?? null,
    };
  });
