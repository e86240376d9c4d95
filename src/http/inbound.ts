/** POST /inbound: a raw message, as a mail server hands it on. Answers what it says, and whether it is about mail of ours. */
import { Hono } from "hono";
import type { Problem } from "../core/errors.ts";
import { ADDRESS_CHARS, FEEDBACK_BYTES, INBOUND_BYTES, MB } from "../core/limits.ts";
import { compressedProblem, readStart } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, ProblemError } from "./errors.ts";
import { receive } from "./mail-in.ts";

export const inbound = new Hono<AppEnv>();

/** What HTTP clients say when they think of something else than a file of bytes. */
const NO_MESSAGE = /^(application\/json|multipart\/form-data)\b/i;

inbound.post("/inbound", async (c) => {
  const compressed = compressedProblem(c.req.raw);
  if (compressed !== null) return fail(c, compressed);
  const type = c.req.header("content-type") ?? "";
  if (NO_MESSAGE.test(type))
    return fail(c, {
      kind: "invalid_parameter",
      message: `The body must be the raw message itself (Content-Type: message/rfc822), not ${type.split(";")[0]}.`,
    });
  const to = envelopeOf(c);
  const raw = await readStart(c.req.raw.body, FEEDBACK_BYTES, INBOUND_BYTES);
  if (raw === null)
    return fail(c, {
      kind: "too_large",
      message: `The message is larger than ${Math.round(INBOUND_BYTES / MB)} MB.`,
    });
  if (raw.length === 0)
    return fail(c, { kind: "invalid_parameter", message: "The body is empty; a raw message is expected." });
  const { feedback, matched, emails } = await receive(c.env, c.var.config, { raw, to });
  return c.json({ kind: feedback.kind, reports: feedback.reports, matched, emails });
});

/** Where the mail came to, as its server knows: `?to=`, else `X-Envelope-To`; null: it does not say. */
function envelopeOf(c: AppContext): string | null {
  const to = c.req.query("to") ?? c.req.header("x-envelope-to") ?? "";
  if (to.trim() === "") return null;
  const problem: Problem = {
    kind: "invalid_parameter",
    message: `The envelope's recipient (\`to\`) must be one address of at most ${2 * ADDRESS_CHARS} characters.`,
  };
  // Rewritten addresses (SRS, BATV) are longer than a person's. In a query that nobody encoded, a plus has become a space.
  if (to.length > 2 * ADDRESS_CHARS || !to.includes("@")) throw new ProblemError(problem);
  return to.trim().replaceAll(" ", "+");
}
