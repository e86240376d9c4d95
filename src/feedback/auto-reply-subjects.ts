/** Subjects by which automatic replies are known where no header tells: a table, by language. */

interface Row {
  says: RegExp;
  why: string;
}

const begins = (words: string): RegExp => new RegExp(`^(?:${words})`, "iu");

/** Outlook and Exchange put their words in front, in the language of the mailbox; people write the others. */
export const AUTO_REPLY_SUBJECTS: readonly Row[] = [
  {
    says: begins("automatic reply|auto(matic)?[- ]?(reply|response|answer|responder)|autoreply|auto: "),
    why: "English: Outlook, Gmail, Yahoo.",
  },
  {
    says: /\b(out of (the )?office|out[- ]of[- ]office|vacation (reply|response|message|notice)|away from (the|my) (office|desk)|on (annual |maternity |parental |sick )?leave)\b/i,
    why: "English, as people and Domino write it.",
  },
  {
    says: begins(
      "automatische (antwort|rückantwort)|automatische e?-?mail|abwesen(d|heit)|außer haus|im urlaub",
    ),
    why: "German.",
  },
  { says: /abwesenheitsnotiz|abwesenheitsnachricht|bin (derzeit )?nicht im (büro|haus)/i, why: "German." },
  {
    says: begins("réponse automatique|reponse automatique|message d['’]absence|absence du bureau|absent"),
    why: "French.",
  },
  { says: /absent(e)? du bureau|en congés?\b/i, why: "French." },
  { says: begins("respuesta automática|respuesta automatica|autorespuesta"), why: "Spanish." },
  { says: /fuera de (la|mi) oficina|de vacaciones/i, why: "Spanish." },
  { says: begins("risposta automatica"), why: "Italian." },
  { says: /fuori (sede|ufficio)|in ferie\b/i, why: "Italian." },
  { says: begins("resposta automática|resposta automatica"), why: "Portuguese." },
  { says: /fora do escritório|ausência (temporária|do escritório)|de férias/i, why: "Portuguese." },
  { says: begins("automatisch antwoord|afwezig|niet aanwezig"), why: "Dutch." },
  {
    says: begins("autosvar|automatiskt svar|automatisk svar|frånvaro|fravær"),
    why: "Swedish, Danish, Norwegian.",
  },
  { says: /ikke på kontoret|på semester|på ferie/i, why: "Danish, Swedish, Norwegian." },
  { says: begins("automaattinen vastaus|poissa(oloilmoitus)?\\b"), why: "Finnish." },
  { says: begins("automatyczna odpowiedź|odpowiedź automatyczna|autoodpowiedź|nieobecność"), why: "Polish." },
  { says: begins("automatická odpověď|automatická odpoveď|mimo kancelář"), why: "Czech, Slovak." },
  { says: begins("automatikus válasz|házon kívül"), why: "Hungarian." },
  { says: begins("răspuns automat|raspuns automat"), why: "Romanian." },
  { says: begins("automatski odgovor|samodejni odgovor"), why: "Croatian, Serbian, Slovene." },
  {
    says: begins("автоматический ответ|автоответ|автоматичн(а|ий) (відповідь|отговор)"),
    why: "Russian, Ukrainian, Bulgarian.",
  },
  { says: /отпуск|нет на месте|вне офиса/i, why: "Russian." },
  { says: begins("otomatik (yanıt|cevap)"), why: "Turkish." },
  { says: begins("αυτόματη απάντηση"), why: "Greek." },
  { says: /自動(応答|返信)|不在(通知|のお知らせ|連絡)/, why: "Japanese." },
  { says: /自动(答复|回复|回覆)|自動(答覆|回覆|回复)|外出通知|不在办公室/, why: "Chinese, both scripts." },
  { says: /자동 ?(회신|응답)|부재 ?중/, why: "Korean." },
  { says: begins("תשובה אוטומטית|مراسلة تلقائية|رد تلقائي"), why: "Hebrew, Arabic." },
  { says: begins("ตอบกลับอัตโนมัติ|trả lời tự động|balasan otomatis"), why: "Thai, Vietnamese, Indonesian." },
  {
    says: /^(we (have )?received your (message|e-?mail|request|inquiry)|thank you for (contacting|your (e-?mail|message))|your (request|message) has been received)/i,
    why: "Confirmations of receipt by support desks.",
  },
  {
    says: /(please (confirm|verify) (your|this) (message|e-?mail|address)|(message|e-?mail) (requires|needs) (verification|confirmation)|\[?spam ?arrest\]?|verify#[\w-]+|confirmation required to deliver|challenge[- ]response)/i,
    why: "Challenges: BoxTrapper, Spam Arrest, ChoiceMail, Earthlink.",
  },
];
