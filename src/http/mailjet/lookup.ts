/** From a message's number to the copy it stands for. */
import type { EmailId } from "../../core/ids.ts";
import { messageNumber, readMessageNumber } from "../../core/message-number.ts";
import type { Db } from "../../db/client.ts";
import type { CopyFilter, CopyPage, CopyRecord } from "../../db/mailjet-messages.ts";
import { dbOf } from "../../env.ts";
import type { AppContext } from "../context.ts";
import { settleAll } from "../settle.ts";

export const EVERYTHING: CopyFilter = {
  from: null,
  below: null,
  index: null,
  address: null,
  customId: null,
  campaign: null,
  statuses: null,
  categories: null,
};

/** Emails of one millisecond that could share a number's span; more than a few is no chance but a flood. */
const SPAN: CopyPage = { limit: 100, offset: 0, descending: false };

export const numberOfCopy = ({ id, index }: { id: string; index: number }): bigint =>
  messageNumber(id as EmailId, index);

/** The copies of a number: one, or by a rare chance two; none when it is none of ours. */
export async function copiesOf<T extends CopyRecord>(
  c: AppContext,
  text: string,
  query: (db: Db, filter: CopyFilter, page: CopyPage) => Promise<T[]>,
): Promise<T[]> {
  if (!/^\d{1,19}$/.test(text)) return [];
  const number = BigInt(text);
  const span = readMessageNumber(number);
  if (span === null) return [];
  await settleAll(c);
  const rows = await query(dbOf(c.env), { ...EVERYTHING, ...span }, SPAN);
  return rows.filter((copy) => numberOfCopy(copy) === number);
}
