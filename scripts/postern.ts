#!/usr/bin/env node
/** `npm run postern -- …`, or `npx postern …` in this folder: the command line. Each command is in cli/. */
import { Command, CommanderError } from "commander";
import { EXIT, Failure } from "./cli/failure.ts";
import { addKeys } from "./cli/keys.ts";
import { addRelays } from "./cli/relays.ts";
import { addSend } from "./cli/send.ts";
import { addSuppressions } from "./cli/suppressions.ts";
import { addTail } from "./cli/tail.ts";

const program = new Command("postern")
  .description("Sends mail through a Postern gateway, and looks after it.")
  .option("--url <url>", "the gateway (default: POSTERN_URL, or the one that `npm start` serves here)")
  .option("--key <key>", "an API key (default: API_KEY, or the one that `npm start` has made)")
  .option("--json", "print results as JSON, one line each, and nothing else")
  .showHelpAfterError("(--help tells more)")
  .exitOverride()
  .addHelpText(
    "after",
    `
Exit codes: ${EXIT.done} done; ${EXIT.refused} refused, mend the input; ${EXIT.usage} wrong command line; ${EXIT.unavailable} the gateway is away or busy, try again later.`,
  );

addSend(program);
addRelays(program);
addKeys(program);
addSuppressions(program);
addTail(program);
for (const command of program.commands) command.copyInheritedSettings(program);

// `postern tail | head`: whoever read has seen enough.
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  process.exit(code === "EPIPE" ? EXIT.done : EXIT.refused);
});

try {
  await program.parseAsync();
} catch (cause) {
  if (cause instanceof CommanderError) process.exitCode = cause.exitCode === 0 ? EXIT.done : EXIT.usage;
  else if (cause instanceof Failure) {
    if (process.argv.includes("--json"))
      process.stdout.write(`${JSON.stringify({ error: cause.answer ?? { message: cause.message } })}\n`);
    else process.stderr.write(`postern: ${cause.message}\n`);
    process.exitCode = cause.exit;
  } else throw cause;
}
