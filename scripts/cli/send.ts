/** `postern send`: one message from flags or a file; or one content for everyone in a CSV file. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { type Command, Option } from "commander";
import { bulkRun } from "./bulk-run.ts";
import { clientOf } from "./client.ts";
import { EXIT, Failure } from "./failure.ts";
import { collect, type Global } from "./options.ts";
import { outputOf } from "./output.ts";
import { readRecipients } from "./recipients.ts";

interface SendOptions extends Global {
  from?: string;
  to?: string[];
  cc?: string[];
  bcc?: string[];
  replyTo?: string[];
  subject?: string;
  text?: string;
  html?: string;
  textFile?: string;
  htmlFile?: string;
  attach?: string[];
  header?: string[];
  tag?: string[];
  at?: string;
  relay?: string;
  sandbox?: boolean;
  file?: string;
  csv?: string;
  skipInvalid?: boolean;
  again?: boolean;
}

/** So many faulty lines are shown. */
const FAULTS_SHOWN = 10;

export function addSend(program: Command): void {
  program
    .command("send")
    .description("send a message, or one message to everyone in a CSV file")
    .option("--from <address>", 'sender, such as "Ada <ada@example.com>"')
    .option("--to <address>", "recipient; may be given several times", collect)
    .option("--cc <address>", "likewise", collect)
    .option("--bcc <address>", "likewise", collect)
    .option("--reply-to <address>", "likewise", collect)
    .option("--subject <text>")
    .option("--text <text>", "the text part")
    .option("--html <html>", "the html part")
    .option("--text-file <file>", "the text part from a file (- is standard input)")
    .option("--html-file <file>", "the html part from a file (- is standard input)")
    .option("--attach <file>", "attach a file; may be given several times", collect)
    .option("--header <name:value>", "a header of your own; may be given several times", collect)
    .option("--tag <name=value>", "a tag; may be given several times", collect)
    .option("--at <time>", 'when to send: ISO 8601, or such as "in 10 min"')
    .option("--relay <name>", "the relay to use")
    .option("--sandbox", "everything but the dialogue with a relay")
    .option(
      "--file <file>",
      "the message as JSON, as POST /emails takes it; flags go before it (- is standard input)",
    )
    .addOption(
      new Option(
        "--csv <file>",
        "everyone in a CSV file: a column `to` or `email`, all others are variables",
      ).conflicts(["to", "cc", "bcc"]),
    )
    .option("--skip-invalid", "with --csv: leave out lines without a proper address")
    .option("--again", "with --csv: send to everyone, even if a run was begun or ended before")
    .addHelpText(
      "after",
      `
A run over a CSV file can be interrupted: the same command goes on where it ended, and nobody gets the message twice.
While a run is at work on a file, a second one is refused.

Examples:
  postern send --from ada@example.com --to bea@example.net --subject Hello --text "Hello, Bea"
  postern send --from news@example.com --subject "Hello {{name|there}}" --html-file news.html --csv readers.csv`,
    )
    .action(async (_: unknown, command: Command) => {
      await send(command.optsWithGlobals<SendOptions>());
    });
}

async function send(options: SendOptions): Promise<void> {
  const client = clientOf(options);
  const output = outputOf(options.json);
  const message = messageOf(options);
  const headers: Record<string, string> = options.sandbox ? { "x-sandbox": "true" } : {};
  if (options.csv === undefined) {
    const answer = await client.json<{ id: string }>("/emails", { method: "POST", body: message, headers });
    output.result(answer, () => [answer.id]);
    return;
  }
  const { recipients, faulty } = await readRecipients(options.csv);
  if (faulty.length > 0) {
    const shown = faulty.slice(0, FAULTS_SHOWN).map(({ line, problem }) => `  line ${line}: ${problem}`);
    if (faulty.length > FAULTS_SHOWN) shown.push(`  and ${faulty.length - FAULTS_SHOWN} more`);
    const list = shown.join("\n");
    if (!options.skipInvalid)
      throw new Failure(
        EXIT.refused,
        `${options.csv} has lines without a proper address, and nothing was sent:\n${list}\nMend them, or leave them out with --skip-invalid.`,
      );
    output.note(`Left out:\n${list}`);
  }
  if (recipients.length === 0) throw new Failure(EXIT.refused, `${options.csv} names nobody to send to`);
  const tally = await bulkRun(client, options.csv, message, recipients, {
    again: options.again === true,
    headers,
    output,
    silent: options.json === true,
  });
  output.result({ ...tally, left_out: faulty.length }, () => [
    `${tally.accepted} accepted, ${tally.suppressed} suppressed${faulty.length > 0 ? `, ${faulty.length} lines left out` : ""}.`,
    ...tally.ids.map((id) => `  ${id}`),
  ]);
}

/** The body of POST /emails that the file and the flags make. */
function messageOf(options: SendOptions): Record<string, unknown> {
  const message: Record<string, unknown> = options.file === undefined ? {} : readMessage(options.file);
  const set = (name: string, value: unknown) => {
    if (value !== undefined) message[name] = value;
  };
  set("from", options.from);
  set("to", options.to);
  set("cc", options.cc);
  set("bcc", options.bcc);
  set("reply_to", options.replyTo);
  set("subject", options.subject);
  set("text", options.textFile === undefined ? options.text : readText(options.textFile));
  set("html", options.htmlFile === undefined ? options.html : readText(options.htmlFile));
  set("scheduled_at", options.at);
  set("relay", options.relay);
  set(
    "attachments",
    options.attach?.map((path) => ({ filename: basename(path), content: read(path).toString("base64") })),
  );
  set(
    "tags",
    options.tag?.map((text) => pairOf(text, "=", "--tag", "name=value")),
  );
  if (options.header !== undefined)
    message.headers = Object.fromEntries(
      options.header.map((text) => {
        const { name, value } = pairOf(text, ":", "--header", "name:value");
        return [name, value];
      }),
    );
  return message;
}

function pairOf(
  text: string,
  separator: string,
  option: string,
  form: string,
): { name: string; value: string } {
  const at = text.indexOf(separator);
  if (at < 1) throw new Failure(EXIT.usage, `${option} must be ${form}, not "${text}"`);
  return { name: text.slice(0, at).trim(), value: text.slice(at + 1).trim() };
}

function readMessage(path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readText(path));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
  }
  throw new Failure(EXIT.refused, `${path} is not a JSON object, as POST /emails takes it`);
}

const readText = (path: string): string => read(path).toString("utf8");

function read(path: string): Buffer {
  try {
    return readFileSync(path === "-" ? 0 : path);
  } catch (cause) {
    throw new Failure(EXIT.refused, `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`);
  }
}
