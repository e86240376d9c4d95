/**
 * Message numbers, for dialects that know no UUIDs: 63 bits made of an email's id and a recipient's index, so that no
 * table has to remember them. From the left: 41 bits of milliseconds since 2020 (until 2089), 16 of the id's random bits,
 * 6 of the index. Indexes above 62 occur in bulk only; they take 14 of the random bits' places.
 *
 * Two emails of one millisecond share a number when their 16 bits agree, once in 65,536 such pairs: who makes ids in a row
 * sees to it that they differ, and who looks a number up may find two.
 */
import { type EmailId, timeOf } from "./ids.ts";

const SINCE_MS = Date.UTC(2020, 0, 1);
const TIME_BITS = 41;
const KEY_BITS = 16n;
const INDEX_BITS = 6n;
/** In place of an index: the index stands among the key's bits. */
const FAR = 63;
const FAR_KEY_BITS = 2;

/** The random bits of an id that its number keeps. */
const keyOf = (id: string): number => Number.parseInt(id.slice(15, 18) + id[20]!, 16);

/** Always above 0 and below 2^63, and in the order of time. */
export function messageNumber(id: EmailId, index: number): bigint {
  const time = BigInt.asUintN(TIME_BITS, BigInt(timeOf(id) - SINCE_MS));
  const key = index < FAR ? keyOf(id) : ((index - FAR) << FAR_KEY_BITS) | (keyOf(id) & 3);
  return (time << (KEY_BITS + INDEX_BITS)) | (BigInt(key) << INDEX_BITS) | BigInt(Math.min(index, FAR));
}

/** Where to look for the emails of a number. */
export interface NumberSpan {
  /** Ids from this one on, and below the other, as texts. Which of them it is, `messageNumber` tells. */
  from: string;
  below: string;
  index: number;
}

/** What a number says; null when it is none of ours. */
export function readMessageNumber(number: bigint): NumberSpan | null {
  if (number <= 0n || number >= 1n << 63n) return null;
  const field = Number(number & ((1n << INDEX_BITS) - 1n));
  const key = Number((number >> INDEX_BITS) & ((1n << KEY_BITS) - 1n));
  const ms = Number(number >> (KEY_BITS + INDEX_BITS)) + SINCE_MS;
  const hex = ms.toString(16).padStart(12, "0");
  const head = `${hex.slice(0, 8)}-${hex.slice(8)}-`;
  if (field === FAR) return { from: `${head}7`, below: `${head}8`, index: FAR + (key >> FAR_KEY_BITS) };
  const random = (key >> 4).toString(16).padStart(3, "0");
  // "." follows "-": so the span holds whatever comes after the third group.
  return { from: `${head}7${random}-`, below: `${head}7${random}.`, index: field };
}
