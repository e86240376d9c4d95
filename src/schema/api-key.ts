/** The bodies of POST and PATCH /api-keys: Resend's, plus what a key may be limited to. */
import { z } from "zod";
import { API_KEY_DOMAINS, API_KEY_NAME_CHARS } from "../core/limits.ts";
import { type Frequency, frequency } from "./frequency.ts";

const DOMAIN = /^(\*\.)?(?=.{1,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

const name = z
  .string("must be text")
  .trim()
  .min(1, "is empty: a name by which you will know the key again")
  .max(API_KEY_NAME_CHARS, `is longer than ${API_KEY_NAME_CHARS} characters`);
const domain = z
  .string("must be a domain such as `example.com`")
  .transform((text) => text.trim().toLowerCase())
  .refine((text) => DOMAIN.test(text), "is not a domain such as `example.com` or `*.example.com`");
const rate = z.string('must be text such as "10/s"').transform((text, ctx): Frequency => {
  const read = frequency(text);
  if (read !== null) return read;
  ctx.addIssue({ code: "custom", message: "must be a number per s, m, h or d, such as `10/s`" });
  return z.NEVER;
});

export const CreateApiKey = z.object({
  name: name.describe("By which you will know it again."),
  permission: z
    .enum(["full_access", "sending_access"], "must be `full_access` or `sending_access`")
    .nullish()
    .describe("What it may do. Absent: everything."),
  // Resend calls domains by ids; here a domain's name is its id.
  domain_id: domain.nullish().describe("The one sender domain it may send for, by name. Absent: all."),
  domains: z
    .array(domain, "must be a list of domains")
    .min(1, "is empty: leave it out for all domains")
    .max(API_KEY_DOMAINS, `has more than ${API_KEY_DOMAINS} domains`)
    .nullish()
    .describe("The sender domains it may send for, such as `example.com` or `*.example.com`. Absent: all."),
  rate_limit: rate.nullish().describe("Requests in a time, such as `10/s`. Absent: no limit."),
  sandbox: z
    .boolean("must be true or false")
    .nullish()
    .describe("All it sends runs without the dialogue with a relay. Absent: false."),
  expires_at: z.iso
    .datetime({ offset: true, error: "must be a time such as `2027-01-31T12:00:00Z`" })
    .nullish()
    .describe("When it ends: ISO 8601 with a zone. Absent: never."),
});
export type CreateApiKey = z.output<typeof CreateApiKey>;

export const RenameApiKey = z.object({ name });
