/**
 * "Name: value" lines as delivery reports (RFC 3464 section 2.1), feedback reports (RFC 5965) and returned headers have
 * them, in groups that are parted by empty lines. Lenient: what is no field is passed over. Pure.
 */
import { FEEDBACK_FIELDS } from "../core/limits.ts";

export interface Field {
  /** In lower case. */
  name: string;
  /** Unfolded. */
  value: string;
}

const FIELD = /^([A-Za-z][A-Za-z0-9-]{0,75})[ \t]*:(.*)$/;
const VALUE_CHARS = 4_000;

/** Groups of fields; none is empty. At most FEEDBACK_FIELDS fields in all. */
export function fieldGroups(text: string): Field[][] {
  const groups: Field[][] = [];
  let group: Field[] = [];
  let last: Field | null = null;
  let fields = 0;
  for (const line of linesOf(text)) {
    if (line.trim() === "") {
      if (group.length > 0) groups.push(group);
      group = [];
      last = null;
      continue;
    }
    if (/^[ \t]/.test(line) && last !== null) {
      if (last.value.length < VALUE_CHARS) last.value += ` ${line.trim().slice(0, VALUE_CHARS)}`;
      continue;
    }
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (++fields > FEEDBACK_FIELDS) break;
    last = { name: name.toLowerCase(), value: value.trim().slice(0, VALUE_CHARS) };
    group.push(last);
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** The first value of a name in a group, or null. An empty value is none. */
export const fieldOf = (group: readonly Field[], name: string): string | null =>
  group.find((field) => field.name === name && field.value !== "")?.value ?? null;

/** Lines one after the other, without holding them all; CRs at their ends are dropped. */
export function* linesOf(text: string): Generator<string> {
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, end === -1 ? text.length : end);
    yield line.endsWith("\r") ? line.slice(0, -1) : line;
    if (end === -1) return;
    at = end + 1;
  }
}
