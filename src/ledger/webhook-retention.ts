/** How webhooks forget: what is old, what is too much, an endpoint, and a person. */
import { jsonLists } from "../core/json-lists.ts";
import { LEDGER_PARAMETER_CHARS, WEBHOOK_LOG_EVENTS, WEBHOOK_PRUNE_EVENTS } from "../core/limits.ts";
import { BLOT, blotted, mentions } from "../schema/erasure.ts";
import type { Subject } from "./webhook-tables.ts";

interface Naming {
  id: string;
  payload: string | null;
  source: string | null;
  mailjet: string | null;
}

export class WebhookRetention {
  readonly #sql: SqlStorage;
  readonly #keepMs: number;

  /** `keepMs`: for how long events are kept. */
  constructor(sql: SqlStorage, keepMs: number) {
    this.#sql = sql;
    this.#keepMs = keepMs;
  }

  /** When the oldest event is to be forgotten; null: there is none. */
  get pruneAt(): number | null {
    const [row] = this.#sql
      .exec<{ at: number }>("SELECT created_at AS at FROM webhook_event ORDER BY seq LIMIT 1")
      .toArray();
    return row === undefined ? null : row.at + this.#keepMs;
  }

  /** Forgets up to WEBHOOK_PRUNE_EVENTS that are too old or too many; how many of their deliveries were still to be made. */
  prune(now: number): { forgotten: number; untold: number } {
    const { last } = this.#sql
      .exec<{ last: number }>("SELECT coalesce(max(seq), 0) AS last FROM webhook_event")
      .one();
    const ids = this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM (SELECT id, seq, created_at FROM webhook_event ORDER BY seq LIMIT ${WEBHOOK_PRUNE_EVENTS})
         WHERE created_at <= ? OR seq <= ?`,
        now - this.#keepMs,
        last - WEBHOOK_LOG_EVENTS,
      )
      .toArray()
      .map(({ id }) => id);
    if (ids.length === 0) return { forgotten: 0, untold: 0 };
    const gone = this.#remove(ids);
    return { forgotten: ids.length, untold: gone.filter((state) => state === "pending").length };
  }

  /** Forgets an endpoint: nothing more goes there, and its log is gone. */
  forget(endpoint: string): void {
    this.#sql.exec("DELETE FROM webhook_delivery WHERE endpoint = ?", endpoint);
    this.#sql.exec("DELETE FROM webhook_attempt WHERE endpoint = ?", endpoint);
  }

  /**
   * Forgets a person: events of their copies, and those that are theirs by what they say, go, told or not. In what else names
   * them (an email's other recipients, a server's words) the address is taken out; a replay of that is not the bytes it was.
   */
  erase(address: string, copies: readonly Subject[]): { webhook_events: number; webhook_attempts: number } {
    const naming = this.#naming(address);
    const own = new Set([
      ...naming.filter((row) => ownerOf(row)?.toLowerCase() === address.toLowerCase()).map(({ id }) => id),
      ...this.#about(copies),
    ]);
    this.#remove([...own]);
    const others = naming.filter(({ id }) => !own.has(id));
    for (const { id, payload, source, mailjet } of others)
      this.#sql.exec(
        "UPDATE webhook_event SET payload = ?, source = ?, mailjet = ? WHERE id = ?",
        payload && blotted(payload, address),
        source && blotted(source, address),
        mailjet && blotted(mailjet, address),
        id,
      );
    const attempts: string[] = [];
    for (const { attempt, response } of this.#sql.exec<{ attempt: string; response: string }>(
      "SELECT attempt, response FROM webhook_attempt WHERE instr(lower(response), lower(?)) > 0",
      askedOf(address),
    ))
      if (mentions(response, address)) attempts.push(attempt);
    for (const list of listsOf(attempts))
      this.#sql.exec(
        "UPDATE webhook_attempt SET response = ? WHERE attempt IN (SELECT value FROM json_each(?))",
        BLOT,
        list,
      );
    return { webhook_events: own.size + others.length, webhook_attempts: attempts.length };
  }

  #about(copies: readonly Subject[]): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM webhook_event WHERE (email, recipient) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
        JSON.stringify(copies.map(({ email, recipient }) => [email, recipient])),
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** Events that name an address. One after the other: the log may hold a gigabyte, most of it at the same few domains. */
  #naming(address: string): Naming[] {
    const found: Naming[] = [];
    for (const row of this.#sql.exec<Naming & Record<string, SqlStorageValue>>(
      `SELECT id, payload, source, mailjet FROM webhook_event
       WHERE instr(lower(coalesce(payload, source, '') || coalesce(mailjet, '')), lower(?)) > 0`,
      askedOf(address),
    ))
      if (mentions(`${row.payload} ${row.source} ${row.mailjet}`, address)) found.push(row);
    return found;
  }

  /** The states of the deliveries that are gone with them. */
  #remove(ids: readonly string[]): string[] {
    return [...listsOf(ids)].flatMap((list) => this.#removeList(list));
  }

  #removeList(list: string): string[] {
    const endpoints =
      "(SELECT j.value FROM webhook_event e, json_each(e.wanted) j WHERE e.id IN (SELECT value FROM json_each(?1)))";
    const gone = this.#sql
      .exec<{ state: string }>(
        `DELETE FROM webhook_delivery WHERE endpoint IN ${endpoints} AND id IN (SELECT value FROM json_each(?1)) RETURNING state`,
        list,
      )
      .toArray();
    this.#sql.exec(
      `DELETE FROM webhook_attempt WHERE endpoint IN ${endpoints} AND id IN (SELECT value FROM json_each(?1))`,
      list,
    );
    this.#sql.exec("DELETE FROM webhook_event WHERE id IN (SELECT value FROM json_each(?))", list);
    return gone.map(({ state }) => state);
  }
}

/** As parameters: who opens one mail again and again has more events than fit into one. */
const listsOf = (ids: readonly string[]): Iterable<string> =>
  jsonLists(
    ids.map((id) => JSON.stringify(id)),
    LEDGER_PARAMETER_CHARS,
  );

/** What SQL is asked for, to spare reading the rest: its `lower` knows ASCII alone, and JSON escapes quotes. Else the domain. */
const askedOf = (address: string): string =>
  /^[\w.+-]+@[\w.-]+$/.test(address) ? address : address.slice(address.lastIndexOf("@"));

/** Whose event it is: the recipient, the address on the list, or who left by a link. */
function ownerOf({ payload, source }: Naming): string | undefined {
  if (payload !== null) {
    const { data } = JSON.parse(payload) as { data: { recipient?: string; email?: string } };
    return data.recipient ?? data.email;
  }
  const event = JSON.parse(source ?? "{}") as { to?: string; data?: { unsubscribe?: { address: string } } };
  return event.to ?? event.data?.unsubscribe?.address;
}
