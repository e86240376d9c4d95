/** The contract of mail that comes in. */
import type { Operation } from "./operation.ts";

export const MAIL_IN: Operation[] = [
  {
    method: "post",
    path: "/inbound",
    id: "receiveMail",
    tag: "Mail in",
    summary: "A raw message: a bounce, a complaint, or a wish to unsubscribe",
    description:
      "Says what it understood, and makes events where the message is about mail that was sent here: by the signed token of its return path, or by a Message-ID of ours and the recipient's address. Anything else changes nothing. The same message twice makes each event once.",
    access: "sending",
    parameters: [
      {
        name: "to",
        in: "query",
        description: "The envelope's recipient; else `X-Envelope-To`, else what the message's headers say.",
      },
      { name: "x-envelope-to", in: "header", description: "Likewise." },
    ],
    body: { type: "message/rfc822", description: "The message as it came, up to 40 MB." },
    answer: {
      status: 200,
      description:
        "`{kind, reports, matched, emails}`: kind is bounce, delivered, delayed, complaint, auto_reply, unsubscribe or unknown; each report has recipient, action, status, diagnostic, category and permanent.",
    },
    example: {
      query: { to: "bounce@example.com" },
      body: "From: MAILER-DAEMON@mx.example.net\r\nTo: bounce@example.com\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program at mx.example.net.\r\n\r\n<ada@example.com>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n",
      status: 200,
    },
  },
];
