/**
 * smtp-server with quoted local parts, such as `"a b"@example.com` (RFC 5321 section 4.1.2, RFC 6531 for international
 * ones). By itself it splits a path at spaces, brackets and "@", quoted or not, and refuses what comes of it.
 */
import { SMTPServer } from "smtp-server";

/** The path up to its local part, with a source route or without; and the local part, when it is quoted. */
const QUOTED = /^([^<"]*<(?:@[^<>"\s]*:)?)("(?:[^"\\\p{Cc}]|\\[\x20-\x7e])*")(?=@)/u;

export class QuotedServer extends SMTPServer {
  override connect(...args: Parameters<SMTPServer["connect"]>): void {
    super.connect(...args);
    const connection = [...this.connections].at(-1);
    if (connection === undefined) return;
    const parse = connection._parseAddressCommand.bind(connection);
    connection._parseAddressCommand = (name, command) => {
      const text = command.toString();
      const [, before = "", quoted] = QUOTED.exec(text) ?? [];
      if (quoted === undefined) return parse(name, command);
      // A plain one of the same length stands in for it, so that all other checks are made as ever.
      const parsed = parse(
        name,
        `${before}${"q".repeat(quoted.length)}${text.slice(before.length + quoted.length)}`,
      );
      return parsed && { ...parsed, address: `${quoted}${parsed.address.slice(quoted.length)}` };
    };
  }
}
