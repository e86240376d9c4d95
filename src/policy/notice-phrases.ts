/**
 * What notices of failure say to people, in people's languages, one row each: part of the policy table, read after
 * phrases.ts. Sources: Exchange's notices in the languages it ships with; those of Japanese carriers, and of European, Russian,
 * Chinese and Korean providers.
 */
import type { PhraseRow } from "./phrases.ts";

export const NOTICE_PHRASES: readonly PhraseRow[] = [
  {
    says: /(postfach|mailbox|e-?mail-?konto|speicherplatz).{0,40}(voll|überfüllt|erschöpft|überschritten)|(boîte|messagerie).{0,60}(pleine|saturée)|(buzón|bandeja).{0,40}llen[oa]|casella.{0,30}piena|caixa (de correio|postal).{0,30}(cheia|lotada)|postvak.{0,20}vol\b|(postlåda|brevlåda|postkasse).{0,30}(full|fuld)|skrzynka.{0,40}(pełna|przepełniona)|schránka.{0,30}pln[áa]|postafiók.{0,30}(megtelt|tele)|(ящик|скринька).{0,30}(переполнен|заполнен|переповнен)|posta kutusu.{0,20}dolu/iu,
    category: "mailbox_full",
    why: "German, French, Spanish, Italian, Portuguese, Dutch, Nordic, Polish, Czech, Hungarian, Russian, Ukrainian, Turkish: the mailbox is full.",
  },
  {
    says: /メールボックス.{0,12}(一杯|いっぱい|容量|満杯)|受信箱.{0,10}(一杯|いっぱい)|(邮箱|信箱|郵箱).{0,6}(已满|已滿|空间不足|空間不足)|메일함.{0,12}(가득|초과|꽉)|편지함.{0,12}(가득|초과)/u,
    category: "mailbox_full",
    why: "Japanese, Chinese, Korean: the mailbox is full.",
  },
  {
    says: /(adresse|empfänger|benutzer|postfach|e-?mail-?adresse).{0,60}(existiert nicht|nicht gefunden|unbekannt|nicht bekannt|ungültig)|(adresse|destinataire|utilisateur).{0,80}(introuvable|inconnu|n['’]existe pas|pas été trouvé)|no se (encontró|ha encontrado|encuentra).{0,30}(dirección|destinatario|usuario|buzón)|(dirección|destinatario|usuario|cuenta).{0,60}(no existe|desconocid)|(indirizzo|destinatario|utente).{0,60}(non (esiste|trovato|è stato trovato)|inesistente|sconosciuto)|(endereço|destinatário|utilizador|usuário).{0,60}(não (existe|foi encontrado|encontrado)|desconhecido|inexistente)|(adres|ontvanger|gebruiker).{0,60}(bestaat niet|niet gevonden|onbekend)/iu,
    category: "unknown_mailbox",
    why: "German, French, Spanish, Italian, Portuguese, Dutch: no such address.",
  },
  {
    says: /(adress|mottagare|modtager|mottaker|bruger|användare).{0,60}(finns inte|findes ikke|finnes ikke|okänd|ukendt|ukjent|hittades inte|blev ikke fundet)|(osoitetta|vastaanottajaa).{0,30}ei (löydy|löytynyt|ole)|(adres|odbiorc|użytkownik).{0,60}(nie istnieje|nieznany|nie znaleziono)|(adresa|příjemce|uživatel).{0,60}(neexistuje|nenalezen|neznám)|(cím|címzett|felhasználó).{0,40}(nem létezik|ismeretlen|nem található)|(пользовател|получател|адрес|ящик|користувач|адресат).{0,60}(не (найден|существует|зарегистрирован|знайдено|існує)|неизвестен|невідомий)|нет такого (пользователя|адреса|ящика)|(adres|kullanıcı|alıcı).{0,40}(bulunamadı|mevcut değil|geçersiz)/iu,
    category: "unknown_mailbox",
    why: "Nordic, Finnish, Polish, Czech, Hungarian, Russian, Ukrainian, Turkish: no such address.",
  },
  {
    says: /(宛先|アドレス|受信者|ユーザー?).{0,20}(見つか|存在し|不明|ありません|無効)|(收件人|用户|用戶|帐号|帳號|邮箱地址|地址).{0,12}(不存在|未找到|找不到|不正确|无效)|(존재하지 않는|없는|알 수 없는) ?(사용자|수신자|주소|계정|받는 사람)/u,
    category: "unknown_mailbox",
    why: "Japanese, Chinese, Korean: no such address.",
  },
  {
    says: /(konto|postfach).{0,40}(deaktiviert|gesperrt|stillgelegt)|compte.{0,40}(désactivé|suspendu|fermé)|(cuenta|buzón).{0,40}(deshabilitad|desactivad|suspendid)|(account|casella).{0,40}(disattivat|sospes)|conta.{0,30}(desativada|suspensa)|(ящик|аккаунт|учетная запись).{0,40}(заблокирован|отключен|неактивен|удал[её]н)|アカウント.{0,16}(停止|無効|解約)|(账号|帳號|帐户|邮箱).{0,8}(停用|禁用|冻结|注销)/iu,
    category: "mailbox_disabled",
    why: "The account is closed, in German, French, Spanish, Italian, Portuguese, Russian, Japanese, Chinese.",
  },
  {
    says: /domain.{0,40}(existiert nicht|nicht gefunden)|domaine.{0,40}(introuvable|n['’]existe pas)|dominio.{0,40}(no existe|non esiste|non trovato)|domínio.{0,30}(não existe|não encontrado)|домен.{0,30}не (найден|существует)|ドメイン.{0,16}(見つか|存在し)|(域名|网域).{0,8}(不存在|找不到)/iu,
    category: "host_unknown",
    why: "No such domain, in German, French, Spanish, Italian, Portuguese, Russian, Japanese, Chinese.",
  },
];
