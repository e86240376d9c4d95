/** A bounce's text in two: the notice, and the message it returns below. Pure. */

interface Row {
  says: RegExp;
  why: string;
}

/** The line above a returned message, or its first. */
const SEPARATORS: readonly Row[] = [
  {
    says: /^-{2,} ?(below this line is a copy of the message|this is a copy of (the|your) message|the (original )?message|a copy of the message)/i,
    why: "qmail, Yahoo, exim.",
  },
  {
    says: /^-{2,} ?(original|returned|undelivered|unsent|the header of the original) (message|mail|headers?|text)|^-+ ?message headers? (follows|below)/i,
    why: "Gmail, sendmail, postfix of old, Domino.",
  },
  {
    says: /^-{2,} ?(ursprüngliche nachricht|message d['’]origine|mensaje original|messaggio originale|mensagem original|oorspronkelijk bericht|исходное сообщение|元のメッセージ|原始邮件)/i,
    why: "Likewise, in other languages.",
  },
  {
    says: /^(>+ ?)?(original message (headers|follows|attached)|(the )?(headers|header|text|body) of (the|your) (original )?message (follows?|is)|your (original )?(message|mail) (header|headers|follows|reads)|message headers? follow|unsent message (below|follows)|original headers|returned message follows|message contents follow)\b/i,
    why: "Courier, MailEnable, MDaemon, Mercury, Exchange Online, VMS.",
  },
  {
    says: /^(ursprüngliche nachrichtenkopfzeilen|en-têtes de message d['’]origine|encabezados de mensaje original|intestazioni messaggio originale|cabeçalhos de mensagem original|исходные заголовки сообщения|原始邮件头|元のメッセージ ヘッダー)/i,
    why: "Exchange, in other languages.",
  },
  {
    says: /^(received|return-path|dkim-signature|message-id): .{3}/i,
    why: "No separator at all: the headers begin.",
  },
];

/** The notice alone; the whole text where nothing parts it. */
export function noticeOf(text: string): string {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const line = text.slice(at, Math.min(end === -1 ? text.length : end, at + 200)).trimStart();
    // At the very top it is a title, not a border.
    if (at > 0 && SEPARATORS.some(({ says }) => says.test(line))) return text.slice(0, at);
    if (end === -1) break;
    at = end + 1;
  }
  return text;
}
