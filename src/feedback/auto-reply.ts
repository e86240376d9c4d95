/**
 * Mail that a machine wrote in a person's name: vacation notices, confirmations of receipt, read receipts, and requests to
 * prove that one is human. None of it says that a message was not delivered (RFC 3834). Pure.
 */
import { AUTO_REPLY_SUBJECTS } from "./auto-reply-subjects.ts";
import { headerOf, type Mail } from "./mail.ts";

interface HeaderRow {
  header: string;
  says: RegExp;
  why: string;
}

const SIGNS: readonly HeaderRow[] = [
  {
    header: "auto-submitted",
    says: /^auto-(replied|generated|notified)/i,
    why: 'RFC 3834 section 5; "no" is a person.',
  },
  { header: "x-autoreply", says: /./, why: "Gmail, Yahoo, cPanel: any value, mostly yes." },
  { header: "x-autorespond", says: /./, why: "qmail autorespond, Horde, Plesk." },
  { header: "x-autoresponder", says: /./, why: "DirectAdmin, ISPConfig." },
  { header: "x-auto-reply", says: /./, why: "Tobit and small responders." },
  { header: "x-autoreply-from", says: /./, why: "Lotus and Sun." },
  { header: "x-mail-autoreply", says: /./, why: "1&1." },
  { header: "autoreply", says: /./, why: "Small responders." },
  { header: "x-auto-response", says: /./, why: "Ticket systems." },
  { header: "precedence", says: /^auto_?reply/i, why: "Sieve and Postfix vacation of old." },
  { header: "x-precedence", says: /^auto_?reply/i, why: "Sendmail's vacation by some makers." },
  { header: "delivered-to", says: /^autoresponder/i, why: "qmail-autoresponder, Sympa." },
  { header: "x-fc-machinegenerated", says: /true/i, why: "FirstClass." },
  { header: "x-post-messageclass", says: /^9/, why: "FirstClass: class 9 is an automatic reply." },
  { header: "x-ms-exchange-inbox-rules-loop", says: /./, why: "Exchange: made by a rule of a mailbox." },
  {
    header: "x-ms-exchange-generated-message-source",
    says: /mailbox rules agent|oof/i,
    why: "Exchange Online: out of office, or a rule.",
  },
  { header: "x-vacation", says: /./, why: "Communigate, SquirrelMail's vacation_local." },
  { header: "x-cron-env", says: /./, why: "cron: a machine, and nobody's answer." },
  {
    header: "content-type",
    says: /report-type="?disposition-notification/i,
    why: "RFC 8098: a read receipt.",
  },
  // Challenges: reply, or follow a link, to have a message let through.
  { header: "x-choicemail-registration-request", says: /./, why: "ChoiceMail." },
  { header: "x-spamarrest-probe", says: /./, why: "Spam Arrest." },
  { header: "x-tmda-fingerprint", says: /./, why: "TMDA." },
  { header: "x-boxtrapper", says: /./, why: "cPanel BoxTrapper." },
  { header: "x-uol-antispam", says: /./, why: "UOL AntiSpam of Brazil." },
];

/** Whether it is mail of a machine in a person's name. Asked once it is known to be no report and no bounce. */
export function isAutoReply(mail: Mail): boolean {
  if (SIGNS.some(({ header, says }) => says.test(headerOf(mail, header)?.trim() ?? ""))) return true;
  const subject = headerOf(mail, "subject")?.trim() ?? "";
  return AUTO_REPLY_SUBJECTS.some(({ says }) => says.test(subject));
}
