/** Bounces, complaints and replies of many mailers, each with what it says. Prints how many are understood, by group. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Feedback } from "../../src/feedback/report.ts";
import { understand } from "../../src/feedback/understand.ts";
import { textOf } from "../../src/message/text.ts";
import { EXPECTED, type ExpectedReport } from "../fixtures/feedback/expected.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/feedback");

const read = (file: string): Promise<Feedback> =>
  understand({ raw: readFileSync(join(FOLDER, `${file}.eml`)), to: null, textOf });

const rows = (feedback: Feedback): ExpectedReport[] =>
  feedback.reports.map(({ recipient, action, status, category, permanent }) => [
    recipient,
    action,
    status,
    category,
    permanent,
  ]);

const tally = new Map<string, { right: number; all: number }>();

afterAll(() => {
  for (const [group, { right, all }] of tally) console.log(`${group.padEnd(16)} ${right} of ${all}`);
});

test("every sample is in the table, and they are many", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".eml"));
  expect(EXPECTED.map(([, file]) => `${file}.eml`).sort()).toEqual(files.sort());
  expect(files.length).toBeGreaterThanOrEqual(150);
});

describe.each([...new Set(EXPECTED.map(([group]) => group))])("%s", (group) => {
  test.each(EXPECTED.filter(([of]) => of === group))("%s: %s", async (_, file, kind, reports) => {
    const count = tally.get(group) ?? { right: 0, all: 0 };
    tally.set(group, count);
    count.all++;
    const feedback = await read(file);
    expect({ kind: feedback.kind, reports: rows(feedback) }).toEqual({ kind, reports });
    count.right++;
  });
});
