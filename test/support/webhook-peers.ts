/**
 * Webhook endpoints on demand, for tests in workerd. POST / with a script starts one and answers {port}; PUT /PORT changes
 * its script; GET /PORT answers what it was told; DELETE /PORT ends it.
 */
import { createServer } from "node:http";
import { type Step, WebhookEndpoint } from "./webhook-endpoint.ts";

export interface WebhookPeers {
  /** Base URL of the control endpoint. */
  url: string;
  stop(): void;
}

export async function startWebhookPeers(): Promise<WebhookPeers> {
  const endpoints = new Map<number, WebhookEndpoint>();
  const control = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", async () => {
      const answer = (value: unknown) => response.end(JSON.stringify(value));
      if (request.method === "POST") {
        const endpoint = new WebhookEndpoint(JSON.parse(body) as Step[]);
        const port = await endpoint.listen();
        endpoints.set(port, endpoint);
        return answer({ port });
      }
      const endpoint = endpoints.get(Number((request.url ?? "/").slice(1)));
      if (request.method === "DELETE") endpoint?.close();
      if (request.method === "PUT" && endpoint !== undefined) endpoint.script = JSON.parse(body) as Step[];
      answer(endpoint?.told ?? []);
    });
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(control.address() as { port: number }).port}`,
    stop: () => {
      for (const endpoint of endpoints.values()) endpoint.close();
      control.close();
    },
  };
}
