/**
 * Attachments that a request names by their address (`path`): fetched before the message is accepted, with a bound on
 * everything. Redirects are followed a few times, and each address is judged anew. The request is answered only when every
 * file is there, so that what was accepted never lacks one.
 */
import type { FieldIssue } from "../core/errors.ts";
import {
  ATTACHMENT_FETCH_MS,
  ATTACHMENT_FETCHES,
  ATTACHMENT_REDIRECTS,
  ATTACHMENTS_FETCH_MS,
  MB,
  MESSAGE_BYTES,
} from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Attachment } from "../schema/attachment.ts";
import { parseFileAddress } from "../schema/endpoint.ts";

export interface FetchParts {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Whether private addresses may be fetched from. */
  allowPrivate: boolean;
  /** Aborted when the request has waited for all its files long enough. */
  signal: AbortSignal;
}

/** The attachments with every file in place. `path` says where the list stands in the request. */
export async function fetched(
  attachments: readonly Attachment[],
  path: string,
  parts: FetchParts,
): Promise<Result<Attachment[], FieldIssue[]>> {
  const remote = attachments.flatMap((one, i) => (one.path === undefined ? [] : [{ address: one.path, i }]));
  if (remote.length > ATTACHMENT_FETCHES)
    return err([{ path, message: `names more than ${ATTACHMENT_FETCHES} files by \`path\`` }]);
  const files = [...attachments];
  const issues: FieldIssue[] = [];
  let room = MESSAGE_BYTES - attachments.reduce((sum, { size }) => sum + size, 0);
  // One after the other: each may use what the others have left of the room.
  for (const { address, i } of remote) {
    const file = await fetchFile(address, room, parts);
    if (!file.ok) {
      issues.push({ path: `${path}[${i}].path`, message: file.error });
      continue;
    }
    const { bytes, type, name } = file.value;
    room -= bytes.length;
    const { path: _, ...given } = attachments[i]!;
    files[i] = {
      ...given,
      content: Buffer.from(bytes).toString("base64"),
      size: bytes.length,
      filename: given.filename ?? name,
      content_type: given.content_type ?? type,
    };
  }
  return issues.length > 0 ? err(issues) : ok(files);
}

interface File {
  bytes: Uint8Array;
  /** Null: the server said none that can stand in a header. */
  type: string | null;
  /** The last part of the address. */
  name: string | null;
}

async function fetchFile(address: string, room: number, parts: FetchParts): Promise<Result<File, string>> {
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(ATTACHMENT_FETCH_MS)]);
  let next = address;
  for (let turn = 0; turn <= ATTACHMENT_REDIRECTS; turn++) {
    const url = parseFileAddress(next, parts.allowPrivate);
    if (!url.ok) return err(turn === 0 ? url.error : `redirects to an address that ${url.error}`);
    try {
      const response = await parts.fetch(url.value, {
        redirect: "manual",
        signal,
        headers: { "user-agent": "Postern-Attachments/1.0" },
      });
      const to = response.headers.get("location");
      if (response.status >= 300 && response.status < 400 && to !== null) {
        await response.body?.cancel();
        next = URL.canParse(to, url.value) ? new URL(to, url.value).href : to;
        continue;
      }
      if (!response.ok) {
        await response.body?.cancel();
        return err(`could not be fetched: its server answered ${response.status}`);
      }
      const bytes = await bounded(response, room);
      if (bytes === null)
        return err(`is too large: a message may have ${MESSAGE_BYTES / MB} MB with all its attachments`);
      return ok({ bytes, type: plainType(response.headers.get("content-type")), name: nameOf(url.value) });
    } catch (cause) {
      const late = cause instanceof Error && (cause.name === "TimeoutError" || cause.name === "AbortError");
      return err(
        parts.signal.aborted
          ? `could not be fetched: the files of one request have ${ATTACHMENTS_FETCH_MS / 1_000} s in all`
          : late
            ? `could not be fetched within ${ATTACHMENT_FETCH_MS / 1_000} s`
            : "could not be fetched: its server cannot be reached, or is on a private network",
      );
    }
  }
  return err(`could not be fetched: it redirects more than ${ATTACHMENT_REDIRECTS} times`);
}

/** The body, or null when it is longer than `room` bytes. */
async function bounded(response: Response, room: number): Promise<Uint8Array | null> {
  if (Number(response.headers.get("content-length") ?? 0) > room) {
    await response.body?.cancel();
    return null;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > room) return null; // Leaving the loop cancels the body.
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const plainType = (header: string | null): string | null =>
  /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}/i.exec(header ?? "")?.[0].toLowerCase() ?? null;

/** Such as `invoice.pdf`; null when the address ends in none. */
function nameOf(url: string): string | null {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  try {
    const name = decodeURIComponent(last)
      .replace(/\p{Cc}/gu, "")
      .slice(0, 255);
    return name === "" || !name.isWellFormed() ? null : name;
  } catch {
    return null;
  }
}
