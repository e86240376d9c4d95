/** scripts/mail-in.sh: what a mail server's pipe is told of each answer of POST /inbound. Only a 2xx may let go of the mail. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../support/postern.ts";

const script = join(import.meta.dirname, "../../scripts/mail-in.sh");
const folder = temporaryFolder();
const header = join(folder.path, "key");
let server: Server;
let status = 200;

beforeAll(async () => {
  writeFileSync(header, "Authorization: Bearer k\n");
  server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status).end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  folder.remove();
});

async function pipe(): Promise<{ code: number; stderr: string }> {
  const { port } = server.address() as AddressInfo;
  const run = spawn("sh", [script, `http://127.0.0.1:${port}`, header, "bounce@example.com"]);
  run.stdin.end("Subject: failure notice\r\n\r\nNo such user.\r\n");
  const [[code], stderr] = await Promise.all([once(run, "close"), text(run.stderr)]);
  return { code, stderr };
}

it.each([
  [200, 0, ""],
  [413, 65, ""],
  [422, 65, ""],
  [401, 75, "POST /inbound: 401\n"],
  [415, 75, "POST /inbound: 415\n"],
  [503, 75, "POST /inbound: 503\n"],
])("%i ends with %i", async (answer, code, stderr) => {
  status = answer;
  expect(await pipe()).toEqual({ code, stderr });
});
