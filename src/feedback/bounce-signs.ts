/** By what mail is known to be a bounce, or a note of delay, that is in no report's form: tables. Pure. */
import { headerOf, type Mail } from "./mail.ts";

interface Row {
  says: RegExp;
  why: string;
}

/** Who sends bounces. The address's local part, or the name beside it. */
const SENDERS: readonly Row[] = [
  { says: /\b(mailer|mail)[-_. ]?daemon\b/i, why: "sendmail, postfix, exim, qmail, and most others." },
  { says: /\bpost-?master\b/i, why: "Exchange, Courier, Domino, IMail, MDaemon." },
  {
    says: /\bmail delivery (sub)?system\b|\bmail delivery service\b|\bdelivery (status|subsystem)\b/i,
    why: "Names of sendmail, exim, Gmail.",
  },
  { says: /\bsystem administrator\b|\bmicrosoft (outlook|exchange)\b/i, why: "Exchange of any age." },
  { says: /\bmdaemon\b|\bmail ?enable\b|\bmailmaster\b|\bmail administrator\b/i, why: "Their own names." },
  { says: /\binternet mail delivery\b|\bmailer-service\b|\bautoresponder@/i, why: "Sun, Mercury." },
];

/** What bounces call themselves. */
const SUBJECTS: readonly Row[] = [
  {
    says: /undeliver(ed|able)|returned (mail|to sender)|mail delivery (failed|failure|error|problem)|\bmail fail(ed|ure)|delivery (status\b|failure|failed|error|report|unsuccessful|problem)|failure (notice|notification|delivery)|non[- ]?deliver(y|able|ed)|message (delivery failure|could not be delivered|not delivered|undeliverable)|could not (send|deliver) (message|mail)|(mail|message) (status|system error)|nondeliverable|unable to deliver|user unknown|mail error|address (not found|error)|rejected (mail|message)|problem delivering|blocked by (our|the) .{0,20}(filter|firewall)/i,
    why: "English: postfix, sendmail, exim, qmail, Gmail, Exchange, Domino, GroupWise, MailEnable, IMail, MDaemon.",
  },
  {
    says: /unzustellbar|nicht zustellbar|zustellung .{0,20}(fehlgeschlagen|nicht möglich)|zustellfehler|unzustellbarkeit/i,
    why: "German.",
  },
  {
    says: /non remis|non distribu|échec de (la )?remise|échec d['’]envoi|message non délivr|remise .{0,30}impossible/i,
    why: "French.",
  },
  {
    says: /no se puede entregar|no se pudo entregar|no entregado|error de entrega|devuelto al remitente/i,
    why: "Spanish.",
  },
  {
    says: /non recapitabile|mancato recapito|impossibile recapitare|mancata consegna|errore di consegna/i,
    why: "Italian.",
  },
  {
    says: /não é possível entregar|não (foi )?entregue|falha na entrega|falha de entrega|não pôde ser entregue/i,
    why: "Portuguese.",
  },
  { says: /onbestelbaar|kan niet worden (bezorgd|afgeleverd)|niet bezorgd/i, why: "Dutch." },
  {
    says: /kan inte leverera|går inte att leverera|olevererbart|kan ikke leveres|ikke leveret|uleverbar|kunne ikke leveres|toimitus epäonnistui|ei voi toimittaa|perille toimittamaton/i,
    why: "Swedish, Danish, Norwegian, Finnish.",
  },
  {
    says: /nie można dostarczyć|niedostarczon|nie dostarczono|nedoručiteln|nelze doručit|nedoručen|kézbesíthetetlen|nem kézbesíthető|nelivrabil/i,
    why: "Polish, Czech, Slovak, Hungarian, Romanian.",
  },
  {
    says: /не удается доставить|не удалось доставить|недоставлен|не доставлен|не вдалося доставити/i,
    why: "Russian, Ukrainian.",
  },
  {
    says: /teslim edilemedi|iletilemedi|δεν ήταν δυνατή η παράδοση|אין אפשרות למסור/i,
    why: "Turkish, Greek, Hebrew.",
  },
  { says: /配信不能|配信できません|配信エラー|送信できません|未達|送達できません/, why: "Japanese." },
  { says: /无法送达|未送达|无法投递|退信|傳遞失敗|無法傳遞|投递失败|未傳遞/, why: "Chinese, both scripts." },
  { says: /배달되지 않음|배달할 수 없|전송 실패|반송/, why: "Korean." },
];

/** What only bounces say, early in their text. */
const OPENINGS: readonly Row[] = [
  {
    says: /hi\. this is the .{0,80}(program|server|daemon)|i'm afraid i wasn't able to deliver your message/i,
    why: "qmail, Yahoo, and others that took its words.",
  },
  {
    says: /this message was created automatically by (the )?(mail|smtp) (delivery|transport)/i,
    why: "exim.",
  },
  { says: /(this is|i'm) the (mail system|postfix program)( at host)?/i, why: "postfix." },
  {
    says: /----- ?the following addresses had (permanent|transient|fatal)|transcript of session follows/i,
    why: "sendmail.",
  },
  {
    says: /(your|the|a|this) (e-?mail )?(message|mail|e-?mail)( \([^)\n]{0,60}\))?( (that )?you sent| to [^\n]{0,200}?)? (could ?n[o']t|can ?not|was not|wasn['’]t|couldn['’]t|has not been|hasn['’]t been|did not|didn['’]t|failed to) (be )?(delivered|deliver|reach|sent|been delivered)/i,
    why: "Exchange Online, Domino, Gmail, Zimbra, and many more.",
  },
  {
    says: /did not reach (some or all of )?the (following|intended) recipient|(following|these) recipient\(?s\)? (could|can) ?not be reached|delivery (has failed )?to (these|the following) (recipients?|address)|delivery to the following/i,
    why: "Exchange, Gmail.",
  },
  {
    says: /(was|is|were|are) undeliverable|has not been delivered|was rejected (because|by)|(left the company|no longer valid)|undeliverable (to|mail|message)|unable to deliver (your |the |this )?(message|mail|e-?mail)|delivery (failed|failure|was unsuccessful)|mail delivery failed|failed to deliver|could not be delivered|permanent (fatal )?error|no valid recipients|failed addresses follow/i,
    why: "GroupWise, IMail, MDaemon, CommuniGate, Mercury, Courier.",
  },
  {
    says: /(one or more|some) (of the )?(addresses|recipients) .{0,60}(failed|rejected|could not)|recipients? (was|were) rejected|each of the following recipients was rejected/i,
    why: "Mercury, exim, Sun.",
  },
  {
    says: /unknown (user|local user|recipient|address)\b|user unknown|no such user|mailbox (is )?full|mail ?box(es)? .{0,20}full/i,
    why: "IMail, au, docomo: nothing else is said.",
  },
  {
    says: /konnte nicht zugestellt|nicht zugestellt werden|zustellung an .{0,60}(fehlgeschlagen|nicht möglich)|unzustellbar/i,
    why: "German.",
  },
  {
    says: /n['’]a pas pu être (remis|distribu|délivr|envoy)|n['’]ont pas reçu|ne peut (pas )?être (remis|distribu|délivr)|échec de la remise|impossible de remettre/i,
    why: "French.",
  },
  { says: /no se (ha podido|pudo|puede) entregar|no ha podido ser entregado|no llegó a/i, why: "Spanish." },
  {
    says: /impossibile (consegnare|recapitare)|non è stato possibile (consegnare|recapitare)|non (è stato )?recapitat/i,
    why: "Italian.",
  },
  {
    says: /não (pôde|foi possível|pode) (ser )?(entregue|entregar)|não foi entregue|não chegou/i,
    why: "Portuguese.",
  },
  {
    says: /kon niet worden (bezorgd|afgeleverd)|is niet bezorgd|niet (bezorgd|afgeleverd) worden/i,
    why: "Dutch.",
  },
  {
    says: /kunde inte levereras|kunne ikke leveres|kunne ikke afleveres|ei voitu toimittaa|nie (mogła|można|udało) .{0,30}dostarcz|nelze doručit|nemohla být doručena|nem (lehetett|sikerült) kézbesíteni/i,
    why: "Nordic, Polish, Czech, Hungarian.",
  },
  {
    says: /не (может быть|удалось|удается|было) доставлен|не (удалось|удается) доставить|не доставлено/i,
    why: "Russian.",
  },
  { says: /teslim edilemedi|iletilemedi/i, why: "Turkish." },
  {
    says: /(配信|送信|お届け|送達|配送)(することが)?(でき|不能|に失敗|されません)|宛先.{0,20}(見つか|存在|不明)|メールボックス.{0,12}(一杯|いっぱい|容量)/,
    why: "Japanese: Exchange, docomo, au, SoftBank.",
  },
  {
    says: /(无法|未能|不能)(送达|投递|发送)|退信|無法(傳遞|傳送|投遞)|(收件人|用户).{0,12}(不存在|未找到)/,
    why: "Chinese: QQ, 163, Exchange.",
  },
  { says: /(배달|전송|전달)(하지 못|되지 않|할 수 없|에 실패)/, why: "Korean: Naver, Exchange." },
];

/** It waits, and is still tried. */
const DELAYS: readonly Row[] = [
  {
    says: /this is a warning message only|you do not need to resend|do not need to resend your message/i,
    why: "sendmail, postfix, exim.",
  },
  {
    says: /delivery attempts will continue|(will|we'll) (keep|continue) (on )?(trying|to (re)?try)|will (be retried|retry)|(still|being) retried|will be attempted again/i,
    why: "postfix, exim, Gmail.",
  },
  {
    says: /(has|have) not (yet )?been (successfully )?delivered yet|not yet been delivered|has been delayed|delivery (is |was |has been )?delayed/i,
    why: "exim, Exchange, Gmail.",
  },
  {
    says: /(zustellung|nachricht) .{0,40}verzögert|remise .{0,20}(retardée|différée)|retardé|entrega .{0,30}(retrasad|atrasad|demorad)|配信.{0,6}遅延|(доставка|сообщение) .{0,30}(отложен|задерж)/i,
    why: "German, French, Spanish, Portuguese, Japanese, Russian.",
  },
];
/** Subjects of delay, for reports that come without any text. */
const DELAY_SUBJECTS: readonly Row[] = [
  {
    says: /\bdelay(ed)?\b|warning: (could not send|message)|still being retried|verzögert|retard|retras|atras/i,
    why: "postfix, sendmail, exim, Exchange.",
  },
];
/** It was given up after all: notices of both kinds speak of the trying. */
const GIVEN_UP =
  /(delivery attempts|retry timeout|have been abandoned|i'?ve given up|giving up|no further attempts|has expired|timed out\. message|gave up)/i;

const any = (rows: readonly Row[], text: string): boolean => rows.some(({ says }) => says.test(text));

/** How much of a text is asked for openings: the notice, not the message it returns. */
const OPENING_CHARS = 3_000;

/** "bounce" or "delayed" where the mail is a notice in prose, null where it is none. `notice`: its text without what it returns. */
export function signsOf(mail: Mail, notice: string): "bounce" | "delayed" | null {
  const subject = headerOf(mail, "subject")?.trim() ?? "";
  // A person who writes about a bounce quotes it.
  if (/^(re|aw|sv|antw|fwd?|wg|tr|rv)\s*:/i.test(subject)) return null;
  const from = headerOf(mail, "from") ?? headerOf(mail, "return-path") ?? "";
  const opening = notice.slice(0, OPENING_CHARS);
  const sender = any(SENDERS, from);
  const named = any(SUBJECTS, subject);
  const opens = any(OPENINGS, opening);
  const delayed = any(DELAYS, opening) || any(DELAY_SUBJECTS, subject);
  const nobody = /^\s*<>\s*$/.test(headerOf(mail, "return-path") ?? "");
  const failed = headerOf(mail, "x-failed-recipients") !== null;
  const evidence = [sender || nobody, named || failed, opens || delayed].filter(Boolean).length;
  if (!failed && evidence < 2) return null;
  // People write about bounces too; machines say that they are machines, or leave no address to answer to.
  const machine = /^auto-/i.test(headerOf(mail, "auto-submitted")?.trim() ?? "");
  if (!sender && !nobody && !failed && !(machine && named && opens)) return null;
  return delayed && !(GIVEN_UP.test(opening) && !/delivery attempts will continue/i.test(opening))
    ? "delayed"
    : "bounce";
}
