/** Finding one person in text and lists that hold others too. Pure. */
import { parseMailbox } from "./address.ts";

/**
 * What continues an address to the left and to the right: `bob@x.example` is not in `notbob@x.example`, nor in
 * `bob@x.example.org`. Of the signs that RFC 5322 allows in an address only those people use: `to=bob@x.example` names Bob.
 */
const LOCAL = "A-Za-z0-9'+_.\\u0080-\\uffff-";
const DOMAIN = "A-Za-z0-9\\u0080-\\uffff-";

/** Where a text names an address, in any case. In JSON, too, where quotes and backslashes are escaped. */
function places(address: string, flags: string): RegExp {
  const spellings = [address, JSON.stringify(address).slice(1, -1)].map((one) =>
    one.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"),
  );
  return new RegExp(`(?<![${LOCAL}])(?:${spellings.join("|")})(?![${DOMAIN}]|\\.[${DOMAIN}])`, flags);
}

export const mentions = (text: string, address: string): boolean => places(address, "iu").test(text);

/** What stands in a text in the place of an address that was taken out. */
export const BLOT = "(erased)";
export const blotted = (text: string, address: string): string => text.replace(places(address, "giu"), BLOT);

/** A list of mailboxes, `Name <addr>`, without those of an address. */
export const without = (list: readonly string[], address: string): string[] =>
  list.filter((text) => {
    const mailbox = parseMailbox(text);
    // What does not parse is judged as text.
    return mailbox.ok
      ? mailbox.value.address.toLowerCase() !== address.toLowerCase()
      : !mentions(text, address);
  });
