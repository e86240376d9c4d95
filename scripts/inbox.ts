/** The local inbox on its own, to look at mail of any program: `node scripts/inbox.ts`. INBOX_PORT, INBOX_SMTP_PORT. */
import { openInbox } from "./inbox/inbox.ts";
import { lifetime } from "./start/lifetime.ts";

const life = lifetime();
const inbox = await openInbox({
  webPort: Number(process.env.INBOX_PORT ?? 8025),
  smtpPort: Number(process.env.INBOX_SMTP_PORT ?? 1025),
}).catch((error: NodeJS.ErrnoException) => {
  console.error(
    `inbox: cannot listen (${error.code}); choose other ports with INBOX_PORT and INBOX_SMTP_PORT`,
  );
  process.exit(1);
});
console.log(`Inbox: ${inbox.pageUrl}\nRelay: ${inbox.smtpUrl}`);
process.exitCode = await life.ended;
await inbox.close();
