/** A question whose answer is not shown, and never stands in a list of processes or a history. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { err, ok, type Result } from "../../src/core/result.ts";

export async function askSecret(question: string): Promise<Result<string, string>> {
  if (!process.stdin.isTTY)
    return err("there is nobody to ask; set it in the environment or in .env.production");
  // The terminal is read through an interface that echoes into nothing.
  const silent = new Writable({ write: (_chunk, _encoding, written) => written() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  // Only now: what is typed before the interface is there would be shown.
  process.stdout.write(`${question} (it is not shown): `);
  const answer = await new Promise<string | null>((resolve) => {
    lines.once("line", resolve);
    lines.once("SIGINT", () => resolve(null));
    lines.once("close", () => resolve(null));
  });
  lines.close();
  process.stdout.write("\n");
  const text = answer?.trim() ?? "";
  return text === "" ? err("nothing was entered") : ok(text);
}
