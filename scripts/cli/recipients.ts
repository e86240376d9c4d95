/** Recipients of a CSV file: a column `to` or `email`, perhaps `name`, and every other column a variable. */
import { createReadStream } from "node:fs";
import { parse } from "csv-parse";
import { parseMailbox } from "../../src/schema/address.ts";
import { EXIT, Failure } from "./failure.ts";

export interface Recipient {
  to: string;
  variables: Record<string, string>;
  /** Where it stands in the file. */
  line: number;
}

export interface Faulty {
  line: number;
  problem: string;
}

const ADDRESS_COLUMNS = ["to", "email", "address"];

/** Everyone in the file, and the lines nobody can be made of. */
export async function readRecipients(path: string): Promise<{ recipients: Recipient[]; faulty: Faulty[] }> {
  const recipients: Recipient[] = [];
  const faulty: Faulty[] = [];
  let addressed: string | null = null;
  const file = createReadStream(path);
  const rows = file.pipe(
    parse({ columns: checkedHeader, bom: true, trim: true, skip_empty_lines: true, info: true }),
  );
  // `pipe` hands on no errors, and one that nobody hears ends the process.
  file.on("error", ({ code }: NodeJS.ErrnoException) =>
    rows.destroy(new Failure(EXIT.refused, `${path} cannot be read (${code})`)),
  );
  try {
    for await (const { info, record } of rows as AsyncIterable<{
      info: { lines: number };
      record: Record<string, string>;
    }>) {
      addressed ??= ADDRESS_COLUMNS.find((column) => column in record)!;
      const { [addressed]: address = "", name = "", ...rest } = record;
      const mailbox = parseMailbox(address);
      if (!mailbox.ok) {
        faulty.push({ line: info.lines, problem: `"${address}" ${mailbox.error}` });
        continue;
      }
      const to = name === "" ? address : `${JSON.stringify(name)} <${mailbox.value.address}>`;
      recipients.push({ to, variables: { ...(name === "" ? {} : { name }), ...rest }, line: info.lines });
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(EXIT.refused, `${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  return { recipients, faulty };
}

function checkedHeader(header: string[]): string[] {
  const names = header.map((name) => name.trim());
  if (!names.some((name) => ADDRESS_COLUMNS.includes(name)))
    throw new Failure(
      EXIT.refused,
      `the first line must name the columns, one of them \`to\` or \`email\`; it says: ${names.join(", ").slice(0, 200)}`,
    );
  return names;
}
