/** `postern keys`: API keys are made, listed and revoked. */
import type { Command } from "commander";
import { clientOf } from "./client.ts";
import { collect, type Global } from "./options.ts";
import { outputOf, table } from "./output.ts";

interface KeyObject {
  id: string;
  name: string;
  hint: string;
  permission: string;
  domains: string[] | null;
  rate_limit: string | null;
  sandbox: boolean;
  last_used_at: string | null;
  expires_at: string | null;
}

export function addKeys(program: Command): void {
  const keys = program.command("keys").description("make, list and revoke API keys");
  keys
    .command("create <name>")
    .description("make a key; it is shown once")
    .option("--sending", "it may only send")
    .option("--domain <domain>", "it may only send for this domain; may be given several times", collect)
    .option("--rate <rate>", 'requests it may make, such as "10/s"')
    .option("--expires <time>", "when it ends, such as 2027-01-31T12:00:00Z")
    .option("--sandbox", "all it sends goes nowhere")
    .action(async (name: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Global & { sending?: true; domain?: string[]; rate?: string; expires?: string; sandbox?: true }
      >();
      const made = await clientOf(options).json<{ id: string; token: string }>("/api-keys", {
        method: "POST",
        body: {
          name,
          permission: options.sending ? "sending_access" : "full_access",
          domains: options.domain ?? null,
          rate_limit: options.rate ?? null,
          expires_at: options.expires ?? null,
          sandbox: options.sandbox ?? false,
        },
      });
      outputOf(options.json).result(made, () => [made.token]);
    });
  keys
    .command("list")
    .description("keys, the newest first")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Global>();
      const client = clientOf(options);
      const data: KeyObject[] = [];
      for (let after = ""; ; after = `&after=${data.at(-1)!.id}`) {
        const page = await client.json<{ data: KeyObject[]; has_more: boolean }>(
          `/api-keys?limit=100${after}`,
        );
        data.push(...page.data);
        if (!page.has_more) break;
      }
      outputOf(options.json).result(data, () =>
        table([
          ["ID", "KEY", "NAME", "MAY", "LAST USED"],
          ...data.map((key) => [key.id, `${key.hint}…`, key.name, mayOf(key), key.last_used_at ?? "never"]),
        ]),
      );
    });
  keys
    .command("revoke <id>")
    .description("end a key, everywhere within 20 seconds")
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Global>();
      const answer = await clientOf(options).json(`/api-keys/${encodeURIComponent(id)}`, {
        method: "DELETE",
      });
      outputOf(options.json).result(answer, () => ["Revoked."]);
    });
}

/** What a key may do, in a few words. */
const mayOf = (key: KeyObject): string =>
  [
    key.permission === "full_access" ? "everything" : "send",
    ...(key.domains === null ? [] : [`for ${key.domains.join(", ")}`]),
    ...(key.rate_limit === null ? [] : [`at ${key.rate_limit}`]),
    ...(key.sandbox ? ["in the sandbox"] : []),
    ...(key.expires_at === null ? [] : [`until ${key.expires_at.slice(0, 10)}`]),
  ].join(" ");
