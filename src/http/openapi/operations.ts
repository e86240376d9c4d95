/** Every route there is. A test compares this list with the routes that are served. */
import { API_KEYS } from "./api-keys.ts";
import { EMAILS } from "./emails.ts";
import { EVENTS } from "./events.ts";
import { GATEWAY } from "./gateway.ts";
import { MAIL_IN } from "./mail-in.ts";
import { MAILJET } from "./mailjet.ts";
import type { Operation } from "./operation.ts";
import { SENDING } from "./sending.ts";
import { SUPPRESSIONS } from "./suppressions.ts";
import { TEMPLATES } from "./templates.ts";
import { TRACKING } from "./tracking.ts";
import { WEBHOOKS } from "./webhooks.ts";

export const OPERATIONS: readonly Operation[] = [
  ...SENDING,
  ...EMAILS,
  ...EVENTS,
  ...TEMPLATES,
  ...SUPPRESSIONS,
  ...WEBHOOKS,
  ...API_KEYS,
  ...MAIL_IN,
  ...GATEWAY,
  ...TRACKING,
  ...MAILJET,
];
