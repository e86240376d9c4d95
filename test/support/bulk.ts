/** Bulk for tests of many: who gets it, and who got it how often. */
import type { Postern } from "./postern.ts";

export const readers = (count: number, domain = "example.net", name = "reader"): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i}@${domain}`);

/** POST /emails/bulk. The id. */
export async function sendBulk(
  postern: Postern,
  to: readonly string[],
  more: Record<string, unknown> = {},
): Promise<string> {
  const { status, body } = await postern.api("POST", "/emails/bulk", {
    from: "Ada <ada@example.com>",
    subject: "To many",
    text: "Words of this message, the same for each reader.\n".repeat(40),
    recipients: to.map((one) => ({ to: one })),
    ...more,
  });
  if (status !== 200) throw new Error(`POST /emails/bulk: ${status} ${JSON.stringify(body)}`);
  return String(body.id);
}

/** What arrived, against who should have got it. */
export function tally(taken: readonly string[], wanted: readonly string[]) {
  const got = new Set(taken);
  const asked = new Set(wanted);
  return {
    missing: wanted.filter((to) => !got.has(to)),
    strangers: [...got].filter((to) => !asked.has(to)),
    duplicates: taken.length - got.size,
  };
}

/** How many recipients have which status, by GET /emails/:id. */
export const counts = async (postern: Postern, id: string): Promise<Record<string, number>> =>
  (await postern.api("GET", `/emails/${id}`)).body.counts as Record<string, number>;
