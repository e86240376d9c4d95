/** For tests in workerd: webhook endpoints that play a script, and the webhook itself by the API. */
import { inject } from "vitest";
import { call, poll } from "./api.ts";
import type { Step, Told } from "./webhook-endpoint.ts";

export interface Hook {
  id: string;
  url: string;
  secret: string;
  /** What it was told, once there are `count` or fifteen seconds have gone. */
  told(count?: number): Promise<Told[]>;
  play(script: Step[]): Promise<void>;
}

/** Starts an endpoint. */
export async function startEndpoint(script: Step[] = []): Promise<Omit<Hook, "id" | "secret">> {
  const control = inject("webhookPeers");
  const { port } = (await (
    await fetch(control, { method: "POST", body: JSON.stringify(script) })
  ).json()) as { port: number };
  return {
    url: `http://127.0.0.1:${port}/hook`,
    told: (count = 0) =>
      poll(
        async () => (await (await fetch(`${control}/${port}`)).json()) as Told[],
        (told) => told.length >= count,
      ),
    play: async (next) => {
      await (await fetch(`${control}/${port}`, { method: "PUT", body: JSON.stringify(next) })).text();
    },
  };
}

/** Starts an endpoint and makes a webhook of it. */
export async function hook(events?: string[], script: Step[] = []): Promise<Hook> {
  const endpoint = await startEndpoint(script);
  const made = await call("POST", "/webhooks", { endpoint: endpoint.url, ...(events && { events }) });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return { ...endpoint, id: made.body.id, secret: made.body.signing_secret };
}
