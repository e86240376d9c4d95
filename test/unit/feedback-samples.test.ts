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

/** By group, by kind, and by category of those that failed or wait. */
const tally = new Map<string, { right: number; all: number }>();

function count(name: string, right: 0 | 1): void {
  const { right: before, all } = tally.get(name) ?? { right: 0, all: 0 };
  tally.set(name, { right: before + right, all: all + 1 });
}

afterAll(() => {
  console.log([...tally].map(([name, { right, all }]) => `${name.padEnd(34)} ${right} of ${all}`).join("\n"));
});

test("every sample is in the table, and they are many", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".eml"));
  expect(EXPECTED.map(([, file]) => `${file}.eml`).sort()).toEqual(files.sort());
  expect(files.length).toBeGreaterThanOrEqual(150);
});

describe.each([...new Set(EXPECTED.map(([group]) => group))])("%s", (group) => {
  test.each(EXPECTED.filter(([of]) => of === group))("%s: %s", async (_, file, kind, reports) => {
    const feedback = await read(file);
    const got = rows(feedback);
    const right = feedback.kind === kind && JSON.stringify(got) === JSON.stringify(reports);
    count(`group: ${group}`, right ? 1 : 0);
    count(`kind: ${kind}`, feedback.kind === kind ? 1 : 0);
    for (const [i, [, , , category]] of reports.entries())
      if (category !== null) count(`category: ${category}`, got[i]?.[3] === category ? 1 : 0);
    expect({ kind: feedback.kind, reports: got }).toEqual({ kind, reports });
  });
});
