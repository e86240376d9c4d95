/**
 * The preheader: a line that inboxes show beside the subject, hidden in the mail itself. Put in at the start of what is
 * shown; no other byte changes.
 */
import { Tokenizer } from "htmlparser2";
import { escapeHtml, findVariables } from "./variables.ts";

/** Not `font-size:0` nor white on white, which filters look for; `mso-hide` is for Outlook, which ignores the rest. */
const OPEN = '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all">';
/** Inboxes show about this much: what a shorter preheader leaves free would be filled with the mail's first words. */
const SHOWN_CHARS = 120;
/** A space that shows nothing and is not run together with the next one. */
const FILLER = "&nbsp;&zwnj;";

/** Html with the preheader in it. `variables`: whether `{{…}}` in it stays for whoever fills variables in. */
export function withPreheader(html: string, preheader: string, variables: boolean): string {
  const at = startOf(html);
  const filler = FILLER.repeat(Math.max(0, SHOWN_CHARS - preheader.length));
  return `${html.slice(0, at)}${OPEN}${spell(preheader, variables)}${filler}</div>${html.slice(at)}`;
}

function spell(text: string, variables: boolean): string {
  if (!variables) return escapeHtml(text);
  let out = "";
  let from = 0;
  for (const { at, end, triple } of findVariables(text)) {
    out += escapeHtml(text.slice(from, at));
    // Plain text, so nothing in it is raw.
    out += triple ? text.slice(at + 1, end - 1) : text.slice(at, end);
    from = end;
  }
  return out + escapeHtml(text.slice(from));
}

/** Where what is shown begins: behind the body's tag, else behind the head, the html tag or the doctype, else at the start. */
export function startOf(html: string): number {
  let start = 0;
  let name = "";
  const opened = (at: number): void => {
    if (name === "body") tokenizer.pause();
    if (name === "body" || name === "html") start = at + 1;
    name = "";
  };
  const tokenizer = new Tokenizer(
    { decodeEntities: false },
    {
      onopentagname(from, to) {
        name = html.slice(from, to).toLowerCase();
      },
      onopentagend: opened,
      onselfclosingtag: opened,
      onclosetag(from, to) {
        const end = html.indexOf(">", to);
        if (end >= 0 && html.slice(from, to).toLowerCase() === "head") start = end + 1;
      },
      ondeclaration(_from, to) {
        if (start === 0) start = to + 1;
      },
      onattribname() {},
      onattribdata() {},
      onattribend() {},
      oncomment() {},
      oncdata() {},
      onprocessinginstruction() {},
      onattribentity() {},
      ontext() {},
      ontextentity() {},
      onend() {},
    },
  );
  tokenizer.write(html);
  return start;
}
