/**
 * Mailboxes: `Name <local@domain>` as people write them, parsed once at the door (RFC 5322 section 3.4, RFC 5321
 * section 4.1.2, RFC 6531 for international ones). Nothing else in the house splits an address.
 *
 * The parser is ours and strict. nodemailer's addressparser is made for reading mail: it mends what it reads
 * (`Name a@b.com`, `Name <a@b.com> more`, `<<a@b.com>>`, `a@b.com>` and comments all come out as something), and at
 * the door a guess about who gets a message is worse than an error.
 */
import {
  ADDRESS_CHARS,
  DISPLAY_NAME_CHARS,
  DOMAIN_BYTES,
  LABEL_BYTES,
  LOCAL_PART_BYTES,
} from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

declare const brand: unique symbol;
/** An address fit for an SMTP envelope: no control characters or spaces outside quotes, domain as A-labels. */
export type Address = string & { readonly [brand]: "Address" };

export interface Mailbox {
  /** Display name, decoded, without quotes; null when there was none. */
  name: string | null;
  /** `local@domain`, local part as written, domain in lower-case A-labels (`xn--…`). */
  address: Address;
  /** The domain of it, in lower-case A-labels. */
  domain: string;
  /** The local part holds non-ASCII characters: the envelope needs SMTPUTF8. */
  smtputf8: boolean;
}

/** Line and paragraph separators are line breaks to some readers, though not control characters. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;
/** RFC 5322 atext, with RFC 6532's non-ASCII (but no space of any script). */
const DOT_ATOM = /^[^\s\0-\x20"(),:;<>@[\\\]\x7f]+$/;
const QUOTED_STRING = /"(?:[^"\\]|\\.)*"/y;
const NON_ASCII = /[^\0-\x7f]/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** RFC 5321 domains are letters, digits and hyphens; other ASCII would mean something else to the URL parser. */
const DOMAIN_CHARS = /^[A-Za-z0-9.\-\u0080-\u{10ffff}]*$/u;
/** A name with every character escaped, its quotes and brackets, and an address. */
const MAILBOX_CHARS = 2 * DISPLAY_NAME_CHARS + ADDRESS_CHARS + 5;
const BYTES = new TextEncoder();

/** The mailbox a text spells, or a sentence saying what is wrong with it. */
export function parseMailbox(text: string): Result<Mailbox, string> {
  if (text.length > MAILBOX_CHARS) return err(`is longer than ${MAILBOX_CHARS} characters`);
  if (CONTROL.test(text)) return err("has a line break or another control character");
  if (!text.isWellFormed()) return err("is not well-formed Unicode (a lone surrogate)");
  const trimmed = text.trim();
  if (trimmed === "") return err("is empty");
  const spec = trimmed.endsWith(">") ? splitName(trimmed) : ok({ name: null, spec: trimmed });
  if (!spec.ok) return spec;
  return parseSpec(spec.value.name, spec.value.spec);
}

/** `phrase <addr-spec>`: the phrase without its quotes, and what stands between the angle brackets. */
function splitName(text: string): Result<{ name: string | null; spec: string }, string> {
  const words: string[] = [];
  let at = 0;
  while (text[at] !== "<") {
    const char = text[at]!;
    if (/\s/.test(char)) at++;
    else if (char === '"') {
      QUOTED_STRING.lastIndex = at;
      const quoted = QUOTED_STRING.exec(text)?.[0];
      if (quoted === undefined) return err("has a quotation mark that is not closed");
      words.push(quoted.slice(1, -1).replace(/\\(.)/gu, "$1"));
      at += quoted.length;
    } else {
      const start = at;
      while (at < text.length && !/[\s"<]/.test(text[at]!)) at++;
      const word = text.slice(start, at);
      const fault = wordFault(word);
      if (fault !== null) return err(fault);
      words.push(word);
    }
    if (at >= text.length) return err("has a > without a <");
  }
  const name = words
    .filter((word) => word !== "")
    .join(" ")
    .trim();
  if (name.length > DISPLAY_NAME_CHARS) return err(`has a name longer than ${DISPLAY_NAME_CHARS} characters`);
  return ok({ name: name === "" ? null : name, spec: text.slice(at + 1, -1).trim() });
}

/** Unquoted words of a name: more than RFC 5322 allows (`Acme, Inc.`, `[Acme] Ada`), but nothing that may be an address. */
function wordFault(word: string): string | null {
  if (word.includes("@"))
    return "names more than one mailbox, or has an @ in a name without quotes: one mailbox per entry";
  if (/[()]/.test(word))
    return "has a comment in parentheses; leave it out, or put the name in double quotes";
  const bad = /[:;>\\]/.exec(word)?.[0];
  return bad === undefined ? null : `has ${bad} in a name without quotes; write it as "Name" <address>`;
}

function parseSpec(name: string | null, spec: string): Result<Mailbox, string> {
  if (spec.length > ADDRESS_CHARS) return err(`is an address longer than ${ADDRESS_CHARS} characters`);
  if (spec === "") return err("has nothing between < and >");
  const local = parseLocalPart(spec);
  if (!local.ok) return local;
  const domain = parseDomain(spec.slice(local.value.length + 1));
  if (!domain.ok) return domain;
  return ok({
    name,
    address: `${local.value}@${domain.value}` as Address,
    domain: domain.value,
    smtputf8: NON_ASCII.test(local.value),
  });
}

/** What stands before the @, as written: a dot-atom or a quoted string (RFC 5321 section 4.1.2). */
function parseLocalPart(spec: string): Result<string, string> {
  let local: string;
  if (spec.startsWith('"')) {
    QUOTED_STRING.lastIndex = 0;
    const quoted = QUOTED_STRING.exec(spec)?.[0];
    if (quoted === undefined) return err("has a quotation mark that is not closed");
    if (spec[quoted.length] !== "@") return err("is not an address: after the quoted part an @ must follow");
    local = quoted;
  } else {
    const at = spec.indexOf("@");
    if (at < 0) return err("is not an address: it has no @");
    if (at === 0) return err("is not an address: nothing stands before the @");
    local = spec.slice(0, at);
    if (/[()]/.test(local)) return err("has a comment in parentheses, which is not taken here");
    if (/[,;]/.test(local) || /\s.*\s/.test(local))
      return err("names more than one mailbox, or is not one: one mailbox per entry");
    if (/\s/.test(local))
      return err(
        "has a space before the @; a name goes before the address in angle brackets: Name <address>",
      );
    if (!DOT_ATOM.test(local)) return err("has a character before the @ that is legal only in double quotes");
    if (local.startsWith(".") || local.endsWith(".") || local.includes(".."))
      return err(
        'has a dot at the start or end or two in a row before the @, which is legal only in double quotes: "a..b"@example.com',
      );
  }
  if (BYTES.encode(local).length > LOCAL_PART_BYTES)
    return err(`has more than ${LOCAL_PART_BYTES} bytes before the @ (RFC 5321 section 4.5.3.1.1)`);
  return ok(local);
}

/** A domain in lower-case A-labels. `localhost` is the only one without a dot: `ada@gmail` is a slip of the pen. */
function parseDomain(given: string): Result<string, string> {
  if (given === "") return err("is not an address: nothing stands after the @");
  if (given.startsWith("[")) return err("has an IP address for a domain; mail goes to named domains here");
  if (/[,;]/.test(given)) return err("names more than one mailbox: one mailbox per entry");
  if (given.includes("@"))
    return err("has two @; one mailbox per entry, and an @ in the first part needs double quotes");
  if (given.includes("(")) return err("has a comment in parentheses, which is not taken here");
  if (/\s/.test(given)) return err("has a space in the domain or after it");
  if (!DOMAIN_CHARS.test(given))
    return err("has a character in the domain that is not a letter, digit, hyphen or dot");
  const domain = NON_ASCII.test(given) ? toALabels(given) : given.toLowerCase();
  if (domain === null) return err("has a domain that is not a valid international name (IDNA, UTS 46)");
  if (domain.length > DOMAIN_BYTES) return err(`has a domain longer than ${DOMAIN_BYTES} bytes`);
  const labels = domain.split(".");
  for (const label of labels) {
    if (label === "") return err("has a domain with a dot at its start or end, or two in a row");
    if (label.length > LABEL_BYTES)
      return err(`has a domain with a part longer than ${LABEL_BYTES} bytes (RFC 1035 section 2.3.4)`);
    if (!LABEL.test(label))
      return err("has a domain with a part that is not letters, digits and inner hyphens");
  }
  if (labels.length === 1 && domain !== "localhost") return err("has a domain without a dot");
  if (/^[0-9]+$/.test(labels.at(-1)!)) return err("has a domain that ends in a number");
  return ok(domain);
}

/**
 * WHATWG URL parsing does UTS 46 (case, width and normal form, then Punycode), the same in Node and workerd; both
 * use ada. `node:url`'s domainToASCII is the same code, but it reads ports and paths too.
 */
function toALabels(domain: string): string | null {
  const url = URL.parse(`http://${domain}/`);
  return url === null || url.hostname === "" ? null : url.hostname;
}
