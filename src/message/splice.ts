/**
 * A recipient's values put into a compiled message. The hot path of bulk sending: values are spelled first, then one
 * buffer is made and filled in one pass. Never throws for a value's sake: what a place cannot hold is spelled so that
 * it can.
 */
import { HEADER_LINE_BYTES } from "../core/limits.ts";
import type { Compiled, Fill, OwnValue, Slot, Variable, VariableSpelling } from "./compiled.ts";
import { addressValue, structuredField, textField } from "./headers.ts";
import { followed } from "./links.ts";
import { isStructured } from "./structured.ts";
import { escapeHtml, escapeUnquoted, headerSpelling, headerText } from "./variables.ts";
import { WireWriter } from "./wire.ts";

const encoder = new TextEncoder();
/** Up to here a loop beats TextEncoder.encodeInto, which crosses into native code and wants a view. */
const SHORT = 64;
/** What quoted-printable and html alike leave as it is; short enough for one line. */
const PLAIN = /^[A-Za-z0-9_,:;@](?:[A-Za-z0-9 _,:;@.-]{0,70}[A-Za-z0-9_,:;@.])?$/;

/** The copy for one recipient, ready for the wire. */
export function splice(compiled: Compiled, fill: Fill): Uint8Array {
  const { bytes, slots } = compiled;
  const values: string[] = [];
  let total = bytes.length;
  for (const { slot } of slots) {
    const value = spell(slot, fill);
    values.push(value);
    total += value.length;
  }
  // All values are ASCII but an international local part in To, which may take three bytes per unit.
  const room = total + (fill.to === undefined ? 0 : fill.to.address.length * 2);
  const out = new Uint8Array(room);
  let from = 0;
  let length = 0;
  for (let i = 0; i < slots.length; i++) {
    const { at } = slots[i]!;
    if (at > from) {
      out.set(bytes.subarray(from, at), length);
      length += at - from;
      from = at;
    }
    length = write(values[i]!, out, length);
  }
  out.set(bytes.subarray(from), length);
  length += bytes.length - from;
  return length === room ? out : out.subarray(0, length);
}

function write(value: string, out: Uint8Array, at: number): number {
  if (value.length > SHORT) return at + encoder.encodeInto(value, out.subarray(at)).written;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 127) return at + encoder.encodeInto(value, out.subarray(at)).written;
    out[at + i] = code;
  }
  return at + value.length;
}

function spell(slot: Slot, fill: Fill): string {
  switch (slot.kind) {
    case "token":
      return fill.token;
    case "message_id":
      if (fill.message_id === undefined) throw new Error("a bulk message is spliced without message_id");
      return fill.message_id;
    case "to":
      if (fill.to === undefined) throw new Error("a bulk message is spliced without to");
      return addressValue("To", [fill.to]);
    case "variable":
      return spellVariable(valueFor(slot, fill), slot.spelling);
    case "link":
      return quoted(spellLink(slot, fill));
    case "header":
      return spellHeader(slot.name, slot.value, fill);
  }
}

const valueFor = (variable: Variable, fill: Fill): string => {
  if (variable.own !== undefined) return ownValue(variable.own, fill);
  const { variables } = fill;
  if (variables !== undefined && Object.hasOwn(variables, variable.name)) return variables[variable.name]!;
  return variable.fallback ?? "";
};

/** A link with the recipient's values, tracked; or as it stands in the html, when it leads to nothing we would redirect to. */
function spellLink({ base, target, raw }: Extract<Slot, { kind: "link" }>, fill: Fill): string {
  let url = "";
  for (const piece of target) url += typeof piece === "string" ? piece : valueFor(piece, fill);
  const clean = followed(url);
  const link = clean === null ? null : (fill.signLink?.(clean) ?? null);
  if (link !== null) return `${base}/c/${fill.token}/${link}`;
  let text = "";
  for (const piece of raw)
    text += typeof piece === "string" ? piece : inHtml(valueFor(piece, fill), piece.spelling);
  return text;
}

function ownValue(own: OwnValue, { unsubscribe, unsubscribe_mail }: Fill): string {
  if (unsubscribe === undefined || unsubscribe_mail === undefined)
    throw new Error("a message with a way to unsubscribe is spliced without its tokens");
  return own.kind === "unsubscribe_url" ? `${own.base}/u/${unsubscribe(own.topic)}` : unsubscribe_mail();
}

/** A value as lines of quoted-printable of their own. What follows may be a line's end, so white space at the end is encoded. */
export function spellVariable(value: string, spelling: VariableSpelling): string {
  return spelling !== "unquoted" && PLAIN.test(value) ? value : quoted(inHtml(value, spelling));
}

const inHtml = (value: string, spelling: VariableSpelling): string =>
  spelling === "html" ? escapeHtml(value) : spelling === "unquoted" ? escapeUnquoted(value) : value;

function quoted(text: string): string {
  const writer = new WireWriter(text.length * 2);
  writer.quote(text, true);
  return ascii.decode(writer.finish());
}
const ascii = new TextDecoder("latin1");

/**
 * A header line with its variables, spelled by `headerText` but for values of our own, which are URIs already. A structured
 * one that grows beyond what a line may hold is left out, which we choose over an illegal line; our own List-Unsubscribe is
 * parted between its two URIs then.
 */
function spellHeader(name: string, template: readonly (string | Variable)[], fill: Fill): string {
  const structured = isStructured(name);
  let text = "";
  let longest = 0;
  for (const [i, piece] of template.entries()) {
    if (typeof piece === "string") text += piece;
    else if (piece.own !== undefined) text += ownValue(piece.own, fill);
    else {
      const after = template[i + 1];
      const spelling = headerSpelling(structured, text, typeof after === "string" ? after : "");
      text += headerText(valueFor(piece, fill), spelling);
    }
  }
  if (!structured) return textField(name, text);
  if (name.length + 2 + text.length > HEADER_LINE_BYTES)
    for (const word of text.split(" ")) longest = Math.max(longest, word.length);
  return name.length + 2 + longest > HEADER_LINE_BYTES ? "" : structuredField(name, text, false);
}
