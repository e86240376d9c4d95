/**
 * As much of Cloudflare's API as `wrangler deploy` asks: enough to see, without Cloudflare, what a deployment would upload.
 * What it does not know it answers with an empty result, and keeps in `calls`.
 */
import { createServer } from "node:http";

export interface CloudflareApi {
  base: string;
  calls: string[];
  /** Secrets of the last upload. */
  uploaded: Record<string, string>;
  /** The worker exists and has these secrets. */
  secrets: string[] | null;
  close(): void;
}

const failure = (code: number, message: string) => ({
  status: 404,
  errors: [{ code, message }],
  result: null,
});

export async function cloudflareApi(): Promise<CloudflareApi> {
  const api: CloudflareApi = {
    base: "",
    calls: [],
    uploaded: {},
    secrets: null,
    close: () => server.close(),
  };
  const answerTo = (method: string, path: string) => {
    const rest = path.replace(/^.*\/accounts\/[^/]+/, "");
    if (path.endsWith("/user")) return { result: { id: "u", email: "dev@example.com" } };
    if (path.endsWith("/memberships")) return { result: [{ id: "m", account: { id: "acc", name: "Dev" } }] };
    if (path.endsWith("/accounts")) return { result: [{ id: "acc", name: "Dev" }] };
    if (path.endsWith("/tokens/verify")) return { result: { id: "t", status: "active" } };
    if (rest === "/workers/services/postern")
      return api.secrets === null
        ? failure(10090, "service_not_found")
        : { result: { id: "postern", default_environment: { script: {} } } };
    if (rest === "/workers/scripts/postern/secrets")
      return api.secrets === null
        ? failure(10007, "script_not_found")
        : { result: api.secrets.map((name) => ({ name, type: "secret_text" })) };
    if (rest === "/workers/scripts/postern/deployments") return { result: { deployments: [] } };
    if (rest === "/workers/workers/postern")
      return { result: { id: "w", name: "postern", subdomain: { enabled: true, previews_enabled: false } } };
    if (rest === "/workers/subdomain") return { result: { subdomain: "dev" } };
    if (rest === "/workers/scripts/postern/subdomain")
      return { result: { enabled: true, previews_enabled: false } };
    if (rest === "/workers/scripts/postern" && method === "PUT")
      return { result: { id: "postern", startup_time_ms: 10, deployment_id: "d", etag: "e" } };
    return { result: {} };
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const path = request.url!.replace(/\?.*/, "");
      api.calls.push(`${request.method} ${path}`);
      const body = Buffer.concat(parts).toString("latin1");
      const metadata = /name="metadata"[\s\S]*?\r\n\r\n([\s\S]*?)\r\n--/.exec(body)?.[1];
      if (metadata !== undefined)
        for (const { name, type, text } of (
          JSON.parse(metadata) as { bindings: { name: string; type: string; text: string }[] }
        ).bindings)
          if (type === "secret_text") api.uploaded[name] = text;
      const {
        status = 200,
        errors = [],
        result,
      } = answerTo(request.method!, path) as {
        status?: number;
        errors?: unknown[];
        result: unknown;
      };
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify({ success: status === 200, errors, messages: [], result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  api.base = `http://127.0.0.1:${(server.address() as { port: number }).port}/client/v4`;
  return api;
}
