/** How webhooks forget: what is old, what is too much, an endpoint, and a person. */
import { WEBHOOK_LOG_EVENTS, WEBHOOK_PRUNE_EVENTS } from "../core/limits.ts";

const ERASED = "(erased)";

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
   * Forgets a person: events of that recipient go, told or not; elsewhere (among other recipients, in a server's words) the
   * address is taken out. How many events were touched. Replays of those are not the bytes they were.
   */
  erase(address: string): number {
    const wanted = address.toLowerCase();
    const found = this.#sql
      .exec<{
        seq: number;
        id: string;
        payload: string | null;
        source: string | null;
        mailjet: string | null;
      }>(
        `SELECT seq, id, payload, source, mailjet FROM webhook_event
         WHERE instr(lower(coalesce(payload, source) || coalesce(mailjet, '')), ?) > 0`,
        inJson(wanted),
      )
      .toArray();
    const own = found.filter(({ payload, source }) => ownerOf(payload, source)?.toLowerCase() === wanted);
    this.#remove(own.map(({ id }) => id));
    const pattern = wholeAddress(inJson(wanted));
    let changed = 0;
    for (const row of found) {
      if (own.includes(row)) continue;
      const { seq, id: _, ...texts } = row;
      const [payload, source, mailjet] = [texts.payload, texts.source, texts.mailjet].map(
        (text) => text?.replace(pattern, ERASED) ?? null,
      );
      if (payload === texts.payload && source === texts.source && mailjet === texts.mailjet) continue;
      this.#sql.exec(
        "UPDATE webhook_event SET payload = ?, source = ?, mailjet = ? WHERE seq = ?",
        payload,
        source,
        mailjet,
        seq,
      );
      changed += 1;
    }
    this.#sql.exec(
      "UPDATE webhook_attempt SET response = ? WHERE instr(lower(response), ?) > 0",
      ERASED,
      wanted,
    );
    return own.length + changed;
  }

  /** The states of the deliveries that are gone with them. */
  #remove(ids: readonly string[]): string[] {
    if (ids.length === 0) return [];
    const list = JSON.stringify(ids);
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

/** As it stands between the quotes of a JSON text. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Not as the end or the beginning of a longer address: what may stand in an atom (RFC 5322 section 3.2.3) goes on. */
const wholeAddress = (address: string): RegExp =>
  new RegExp(
    `(?<![\\w.!#$%&'*+/=?^\`{|}~-])${address.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}(?![\\w-]|\\.\\w)`,
    "gi",
  );

/** Whose event it is: the recipient, the address on the list, or who left by a link. */
function ownerOf(payload: string | null, source: string | null): string | undefined {
  if (payload !== null) {
    const { data } = JSON.parse(payload) as { data: { recipient?: string; email?: string } };
    return data.recipient ?? data.email;
  }
  const event = JSON.parse(source ?? "{}") as { to?: string; data?: { unsubscribe?: { address: string } } };
  return event.to ?? event.data?.unsubscribe?.address;
}
