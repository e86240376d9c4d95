/**
 * The outbox: a Durable Object that is queue and sender in one, the only owner of its deliveries, so that nothing needs
 * a lease or a lock. Thin: the queue is in queue.ts, what happens when in dispatcher.ts, one relay's work in lane.ts.
 */
import { DurableObject } from "cloudflare:workers";
import type { EmailId } from "../core/ids.ts";
import { timeOf, uuidv7 } from "../core/ids.ts";
import {
  ALARM_MS,
  HOUR_MS,
  IDEMPOTENCY_HOURS,
  INTAKE_BYTES,
  REPLICA_RETRY_MAX_MS,
  REPLICA_RETRY_MS,
  REPLICA_START_MS,
} from "../core/limits.ts";
import { type Config, connectionsOf, type Env, ledgerOf, readConfig, registryOf } from "../env.ts";
import { log } from "../log.ts";
import type { Compiled } from "../message/compiled.ts";
import { dkimSigners } from "../message/dkim.ts";
import type { ReplicaState, Shipment } from "../registry/suppression-rpc.ts";
import { storyOf } from "../schema/test-address.ts";
import { routeOf } from "../smtp/routing.ts";
import { linkSigner } from "../tracking/link.ts";
import { signToken } from "../tracking/token.ts";
import { sealUnsubscribe } from "../tracking/unsubscribe.ts";
import { settlesWithin } from "../within.ts";
import { Contents } from "./contents.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Gather } from "./gather.ts";
import type { Mail } from "./mail.ts";
import { Meter } from "./meter.ts";
import { Outcomes } from "./outcomes.ts";
import { Queue } from "./queue.ts";
import { eventOf } from "./record.ts";
import { Reporter } from "./reporter.ts";
import {
  type Acceptance,
  type Change,
  type ErasedFromOutbox,
  type IdempotencyClaim,
  type OutboxGauges,
  type OutboxRpc,
  type Packed,
  type Parcel,
  type RelayState,
  unpack,
  type Wait,
} from "./rpc.ts";
import { SANDBOX } from "./sandbox.ts";
import { waitingOf, waitOf } from "./waits.ts";
import { withoutSuppressed } from "./withheld.ts";

/** Random bytes are fetched many at a time: a call costs more than the bytes. */
const noise = new Uint8Array(4_096);
let used = noise.length;
function newId(now: number): string {
  if (used + 10 > noise.length) {
    crypto.getRandomValues(noise);
    used = 0;
  }
  used += 10;
  return uuidv7(now, noise.subarray(used - 10, used));
}

/** One `accept`. */
interface Call {
  orders: readonly Packed[];
  idempotency: IdempotencyClaim | null;
}

/** A claim whose answer has the true numbers in it, where it has any. */
function claimOf(claim: IdempotencyClaim, orders: readonly Packed[], suppressed: number): IdempotencyClaim {
  if (!claim.counted) return claim;
  const accepted = orders.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
  const response = JSON.stringify({ ...(JSON.parse(claim.response) as object), accepted, suppressed });
  return { ...claim, response };
}

export class Outbox extends DurableObject<Env> implements OutboxRpc {
  readonly #queue: Queue;
  readonly #contents: Contents;
  readonly #config: Config;
  readonly #dispatcher: Dispatcher;
  readonly #meter = new Meter();
  readonly #intake: Gather<Call, Acceptance>;
  /** Settles when nothing stands in the way of work. */
  readonly #started: Promise<void>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const config = readConfig(env);
    // Callers check the configuration before they come here; only an alarm can find it broken.
    if (!config.ok) throw new Error(`configuration: ${config.error}`);
    this.#config = config.value;
    this.#queue = new Queue(ctx.storage);
    this.#queue.recover(Date.now());
    this.#contents = new Contents(this.#queue);
    this.#rerouteIfRelaysChanged();
    const [secret] = this.#config.signingSecrets;
    this.#dispatcher = new Dispatcher({
      config: this.#config,
      connections: connectionsOf(env),
      queue: this.#queue,
      contents: this.#contents,
      outcomes: new Outcomes(this.#queue),
      reporter: new Reporter(this.#queue.reports, (id) => ledgerOf(env, this.#config.shards, id), log),
      meter: this.#meter,
      newId,
      now: () => Date.now(),
      random: () => Math.random(),
      seals: {
        token: ({ email, index }, purpose) => signToken(secret, { id: email, recipient: index }, purpose),
        unsubscribe: ({ email, index, address }, topic) =>
          sealUnsubscribe(secret, { id: email, recipient: index, address, topic }),
        link: (id) => linkSigner(secret, id),
      },
      signerOf: dkimSigners(this.#config.dkim),
      setAlarm: (at) => void ctx.storage.setAlarm(at),
      log,
    });
    this.#intake = new Gather((calls) => this.#take(calls), {
      sizeOf: ({ orders }) => orders.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0),
      most: INTAKE_BYTES,
      now: () => Date.now(),
    });
    // What it missed while it was away comes first, for a while: nobody is written to who has just said no.
    this.#started = settlesWithin(this.#catchUp(), REPLICA_START_MS).then(() => this.#dispatcher.wake());
  }

  async stage(id: EmailId, part: number, bytes: Uint8Array): Promise<void> {
    this.#queue.stage(id, part, bytes, Date.now());
    this.#dispatcher.guard();
  }

  async accept(parcels: Parcel[], idempotency: IdempotencyClaim | null): Promise<Acceptance> {
    await this.#started;
    return this.#intake.add({ orders: parcels.map(unpack), idempotency });
  }

  /** Takes the calls of one moment, each whole, or throws and takes none. */
  #take(calls: readonly Call[]): Acceptance[] {
    const now = Date.now();
    const mail: Mail[] = [];
    const answers = this.#queue.transaction(() => {
      const made = calls.map(({ orders, idempotency }): Acceptance => {
        if (idempotency !== null) {
          const before = this.#queue.books.answered(idempotency.key, now);
          if (before !== null)
            return before.hash === idempotency.hash
              ? { kind: "repeated", response: before.response }
              : { kind: "mismatch" };
        }
        const left = orders.map((order) => withoutSuppressed(order, { queue: this.#queue, newId }, now));
        const withheld = left.reduce((sum, { withheld }) => sum + withheld, 0);
        const rest = left.map(({ order }) => order);
        if (idempotency !== null)
          this.#queue.books.keep(claimOf(idempotency, rest, withheld), now, IDEMPOTENCY_HOURS * HOUR_MS);
        for (const order of rest)
          if (order.deliveries.length === 0) this.#queue.recordOnly(order);
          else mail.push({ order, routes: this.#routes(order), lane: null });
        return { kind: "accepted", suppressed: withheld };
      });
      this.#dispatcher.assign(mail, now);
      this.#queue.accept(mail, now);
      return made;
    });
    for (const { order } of mail)
      if (order.bytes !== null && order.scheduledAt === null)
        this.#contents.put(order.id, {
          mailFrom: order.mailFrom,
          sender: order.from,
          since: timeOf(order.id),
          requestId: order.requestId,
          expiresAt: order.expiresAt,
          compiled: {
            bytes: order.bytes,
            slots: JSON.parse(order.slots) as Compiled["slots"],
            smtputf8: order.smtputf8,
          },
        });
    this.#dispatcher.accepted(mail);
    return answers;
  }

  #routes(order: Packed): string[] {
    return order.deliveries.map(({ address }) =>
      order.sandbox || storyOf(address) !== null ? SANDBOX : this.#route(order.from, address, order.relay),
    );
  }

  async takeSuppressions(shipment: Shipment): Promise<ReplicaState> {
    return this.#queue.suppressed.apply(shipment, Date.now());
  }

  async wake(): Promise<void> {
    await this.#started;
    this.#dispatcher.wake();
  }

  async settle(): Promise<void> {
    await this.#dispatcher.settle();
  }

  async reschedule(id: EmailId, scheduledAt: number): Promise<Change> {
    this.#contents.drop(id);
    const now = Date.now();
    const event = eventOf(newId, "email.scheduled", { email: id, index: 0 }, now, {
      scheduled_at: scheduledAt,
    });
    if (event.kind === "event") event.event.recipient = null;
    const kind = this.#queue.reschedule(id, scheduledAt, [event]);
    this.#dispatcher.wake();
    return { kind };
  }

  async cancel(id: EmailId): Promise<Change> {
    const now = Date.now();
    this.#dispatcher.release();
    const kind = this.#queue.cancel(id, (recipients) =>
      recipients.map((index) =>
        eventOf(newId, "email.canceled", { email: id, index }, now, { reason: "Cancelled by the sender." }),
      ),
    );
    this.#dispatcher.wake();
    return { kind };
  }

  async erase(address: string): Promise<ErasedFromOutbox> {
    this.#dispatcher.release();
    const erased = this.#queue.erase(address);
    this.#dispatcher.wake();
    return erased;
  }

  async relays(): Promise<RelayState[]> {
    return this.#dispatcher.states();
  }

  async waits(id: EmailId, first: number, last: number): Promise<Wait[]> {
    const now = Date.now();
    const copies = waitingOf(this.ctx.storage.sql, id, first, last);
    if (copies.length === 0) return [];
    const { relays } = this.#config;
    const heldUntil = (domain: string) => this.#queue.holds.until(domain, now);
    const context = { now, heldUntil, health: this.#dispatcher.health(), relays };
    return copies.map((copy) => waitOf(copy, context));
  }

  async gauges(): Promise<OutboxGauges> {
    const { waiting, due, oldestDueAt } = this.#queue.deliveries.depth(Date.now());
    return { waiting, due, oldestDueAt, relays: this.#dispatcher.states(), meters: this.#meter.read() };
  }

  override async alarm(): Promise<void> {
    await this.#started;
    this.#dispatcher.alarm();
    await settlesWithin(this.#dispatcher.idle(), ALARM_MS);
  }

  /** Brings the replica of the suppression list up to date. Never rejects: sending waits for nobody. */
  async #catchUp(): Promise<void> {
    for (let retryMs = REPLICA_RETRY_MS; ; retryMs = Math.min(retryMs * 2, REPLICA_RETRY_MAX_MS)) {
      try {
        const registry = registryOf(this.env);
        for (let more = true; more; ) {
          const shipment = await registry.suppressionsSince(this.#queue.suppressed.state);
          this.#queue.suppressed.apply(shipment, Date.now());
          more = shipment.more;
        }
        return;
      } catch (cause) {
        log("suppressions_not_asked", { cause: String(cause), retryMs });
        await scheduler.wait(retryMs);
      }
    }
  }

  #route(from: string, to: string, pin: string | null): string {
    return routeOf(this.#config.relays, { from, to, pin }, Math.random);
  }

  /** Mail that waits follows the configuration, not the one it was accepted under. */
  #rerouteIfRelaysChanged(): void {
    const relays = JSON.stringify(
      this.#config.relays.map(({ name, from, to, priority, weight }) => [name, from, to, priority, weight]),
    );
    if (this.#queue.books.setting("relays") === relays) return;
    this.#queue.routes.renew(SANDBOX, (sender, address, pin) => this.#route(sender, address, pin));
    this.#queue.books.set("relays", relays);
  }
}
