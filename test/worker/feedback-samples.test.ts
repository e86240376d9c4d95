/** The samples once more, inside workerd: its text decoders are not Node's. */
import { describe, expect, it } from "vitest";
import { understand } from "../../src/feedback/understand.ts";
import { textOf } from "../../src/message/text.ts";
import { EXPECTED } from "../fixtures/feedback/expected.ts";

/** Data URLs, since a worker reads no files. */
const samples = import.meta.glob<string>("../fixtures/feedback/*.eml", {
  query: "?url&inline",
  import: "default",
  eager: true,
});

describe("in workerd", () => {
  it.each(EXPECTED)("%s: %s", async (_, file, kind, reports) => {
    const url = samples[`../fixtures/feedback/${file}.eml`]!;
    const raw = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (char) => char.charCodeAt(0));
    const feedback = await understand({ raw, to: null, textOf });
    expect({
      kind: feedback.kind,
      reports: feedback.reports.map(({ recipient, action, status, category, permanent }) => [
        recipient,
        action,
        status,
        category,
        permanent,
      ]),
    }).toEqual({ kind, reports });
  });
});
