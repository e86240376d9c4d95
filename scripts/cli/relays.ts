/** `postern relays`: their state, and a try-out that says which step works. */
import type { Command } from "commander";
import { clientOf } from "./client.ts";
import { EXIT } from "./failure.ts";
import type { Global } from "./options.ts";
import { outputOf, paint, table } from "./output.ts";

interface RelayObject {
  name: string;
  host: string;
  port: number | null;
  tls: string;
  breaker: string;
  waiting: number;
  last_error: string | null;
}

interface Verification {
  ok: boolean;
  steps: { step: string; ok: boolean; detail?: string | null }[];
  advice?: string | null;
}

export function addRelays(program: Command): void {
  const relays = program.command("relays").description("relays: their state, and whether they work");
  relays
    .command("list")
    .description("every relay and how it does")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Global>();
      const { data } = await clientOf(options).json<{ data: RelayObject[] }>("/relays");
      outputOf(options.json).result(data, () =>
        table([
          ["NAME", "HOST", "TLS", "STATE", "WAITING"],
          ...data.map((relay) => [
            relay.name,
            relay.port === null ? relay.host : `${relay.host}:${relay.port}`,
            relay.tls,
            relay.breaker === "closed" ? "in use" : `resting: ${relay.last_error ?? "failed"}`,
            String(relay.waiting),
          ]),
        ]),
      );
    });
  relays
    .command("verify <name>")
    .description("connect, negotiate and log in, and say which step fails and what to try")
    .action(async (name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Global>();
      const answer = await clientOf(options).json<Verification>(
        `/relays/${encodeURIComponent(name)}/verify`,
        {
          method: "POST",
        },
      );
      outputOf(options.json).result(answer, () => [
        ...answer.steps.map(
          ({ step, ok, detail }) =>
            `${ok ? paint("green", "ok    ") : paint("red", "failed")}  ${step}${detail == null ? "" : `: ${detail}`}`,
        ),
        ...(answer.advice == null ? [] : [answer.advice]),
      ]);
      if (!answer.ok) process.exitCode = EXIT.refused;
    });
}
