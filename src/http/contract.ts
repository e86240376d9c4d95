/** GET /openapi.json and /docs: the contract, for programs and for people. Made once, at the first request. */
import { Hono } from "hono";
import type { AppContext, AppEnv } from "./context.ts";
import { type Document, documentOf } from "./openapi/document.ts";
import { OPERATIONS } from "./openapi/operations.ts";
import { readerPage } from "./openapi/reader.tsx";

export const contract = new Hono<AppEnv>();

/** By base: a gateway may be reached under several names, and the document names the one that was asked. */
let made: { base: string; document: Document; page: string } | null = null;

function contractOf(c: AppContext): NonNullable<typeof made> {
  const base = c.var.config.publicUrl ?? new URL(c.req.url).origin;
  if (made?.base !== base) {
    const document = documentOf(OPERATIONS, base);
    made = { base, document, page: readerPage(OPERATIONS, document, base) };
  }
  return made;
}

contract.get("/openapi.json", (c) => {
  c.header("Access-Control-Allow-Origin", "*");
  return c.json(contractOf(c).document);
});

contract.get("/docs", (c) =>
  c.html(contractOf(c).page, 200, {
    "Content-Security-Policy":
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  }),
);
