/** What docs/mailjet.md says of error codes is what the table says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MAILJET_CODES } from "../../src/schema/mailjet-codes.ts";

it("the documentation lists every code, with its status and reason", () => {
  const docs = readFileSync(join(import.meta.dirname, "../../docs/mailjet.md"), "utf8").replaceAll("`", "");
  const listed = [...docs.matchAll(/^\| ((?:mj|send)-\d{4}) \| (\d{3}) \| (.+) \|$/gm)].map((row) =>
    row.slice(1),
  );
  expect(listed).toEqual(
    Object.entries(MAILJET_CODES).map(([code, { status, when }]) => [code, String(status), when]),
  );
});
