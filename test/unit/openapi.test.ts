/** The contract as a document: linted by a linter of others, and made of the schemas that validate. */
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { curlOf } from "../../src/http/openapi/curl.ts";
import { documentOf } from "../../src/http/openapi/document.ts";
import { OPERATIONS } from "../../src/http/openapi/operations.ts";
import { readerPage } from "../../src/http/openapi/reader.tsx";
import { jsonSchemaOf } from "../../src/schema/json-schema.ts";

const BASE = "https://mail.postern.test";
const document = documentOf(OPERATIONS, BASE);

describe("the OpenAPI document", () => {
  it("is linted clean", async () => {
    const config = await createConfig({
      extends: ["recommended-strict"],
      rules: {
        // What a route may be refused with is said once, for all.
        "operation-4xx-response": "off",
      },
    });
    const problems = await lintFromString({
      source: JSON.stringify(document),
      absoluteRef: "openapi.json",
      config,
    });
    expect(
      problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`),
    ).toEqual([]);
  });

  it("gives every operation a name of its own", () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it("tells of a body what its schema takes", () => {
    const { paths } = document as { paths: Record<string, Record<string, unknown>> };
    const text = JSON.stringify(paths["/emails"]!.post);
    for (const field of ["from", "to", "subject", "scheduled_at", "ttl", "attachments"])
      expect(text).toContain(`"${field}"`);
  });
});

describe("the page to read", () => {
  const page = readerPage(OPERATIONS, document, BASE);

  it("sets code as code, and shows no backtick of the descriptions", () => {
    expect(page).toContain("<code>x-postern-unknown-fields</code>");
    expect(page.replace(/<pre>.*?<\/pre>/gs, "")).not.toContain("`");
  });

  it("says how a call is made", () => expect(page).toContain("Authorization: Bearer KEY"));
});

describe("jsonSchemaOf", () => {
  it("shows one item in the place of a list, which may be left out", () => {
    const schema = z.object({
      to: z.preprocess((value) => value ?? [], z.array(z.string())).meta({ oneOrMore: true }),
      name: z.string(),
    });
    expect(jsonSchemaOf(schema)).toEqual({
      type: "object",
      properties: {
        to: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }, { type: "null" }] },
        name: { type: "string" },
      },
      required: ["name"],
    });
  });
});

describe("the reader", () => {
  const page = readerPage(OPERATIONS, document, BASE);

  it("has every operation, and links that lead somewhere", () => {
    for (const { id } of OPERATIONS) expect(page).toContain(`id="${id}"`);
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
  });

  it("runs no script and fetches nothing", () => {
    expect(page).not.toMatch(/<script|src=|@import|url\(/);
  });
});

describe("curlOf", () => {
  it("is a command to paste, whatever stands in the body", () => {
    const [send] = OPERATIONS;
    const text = curlOf({ ...send!, example: { body: { subject: "It's $5" }, status: 200 } }, BASE);
    expect(text).toContain(`-d '{"subject":"It'\\''s $5"}'`);
  });
});
