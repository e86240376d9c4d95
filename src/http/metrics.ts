/** GET /metrics, for Prometheus: what outboxes and ledgers hold and have done, over all shards. */
import { Hono } from "hono";
import { DURATION_BUCKETS_MS, emptyHistogram, type Histogram, merge } from "../core/histogram.ts";
import { allLedgers, allOutboxes } from "../env.ts";
import type { WebhookHealth } from "../ledger/rpc.ts";
import type { OutboxGauges } from "../outbox/rpc.ts";
import type { AppEnv } from "./context.ts";
import { CONTENT_TYPE, exposition, type HistogramMetric, type Sample } from "./prometheus.ts";

export const metrics = new Hono<AppEnv>();

metrics.get("/metrics", async (c) => {
  const { shards } = c.var.config;
  const [outboxes, ledgers, webhooks] = await Promise.all([
    Promise.all(allOutboxes(c.env, shards).map((outbox) => outbox.gauges())),
    Promise.all(allLedgers(c.env, shards).map((ledger) => ledger.gauges())),
    Promise.all(allLedgers(c.env, shards).map((ledger) => ledger.webhookHealth())),
  ]);
  const relays = outboxes.flatMap(({ relays }) => relays);
  const total = (numbers: number[]): Sample[] => [{ value: numbers.reduce((sum, n) => sum + n, 0) }];
  const perRelay = (measure: (states: typeof relays) => number): Sample[] =>
    [...new Set(relays.map(({ name }) => name))].map((relay) => ({
      labels: { relay },
      value: measure(relays.filter(({ name }) => name === relay)),
    }));
  const now = Date.now();
  return c.text(
    exposition([
      {
        name: "postern_queue_messages",
        type: "gauge",
        help: "Copies waiting to be sent, for now or for later.",
        samples: total(outboxes.map(({ waiting }) => waiting)),
      },
      {
        name: "postern_queue_due_messages",
        type: "gauge",
        help: "Copies that are due and not yet sent.",
        samples: total(outboxes.map(({ due }) => due)),
      },
      {
        name: "postern_queue_oldest_due_seconds",
        type: "gauge",
        help: "How long the copy that waits longest has been due.",
        samples: [{ value: oldest(outboxes, now) }],
      },
      {
        name: "postern_attempts_total",
        type: "counter",
        help: "Attempts by relay, disposition (accepted, deferred, bounced) and category.",
        samples: outcomes(outboxes),
      },
      histogram(
        "postern_attempt_duration_seconds",
        "From taking a copy to the relay's last reply.",
        outboxes.map(({ meters }) => meters.attempts),
      ),
      histogram(
        "postern_accept_to_sent_seconds",
        "From acceptance, or the time scheduled, to the relay's acceptance at the first attempt.",
        outboxes.map(({ meters }) => meters.latency),
      ),
      {
        name: "postern_relay_sessions",
        type: "gauge",
        help: "Open SMTP sessions.",
        samples: perRelay((states) => states.reduce((sum, { sessions }) => sum + sessions, 0)),
      },
      {
        name: "postern_relay_breaker_open",
        type: "gauge",
        help: "1 while a relay rests after failures, in any outbox.",
        samples: perRelay((states) => (states.some(({ breaker }) => breaker === "open") ? 1 : 0)),
      },
      {
        name: "postern_relay_waiting_messages",
        type: "gauge",
        help: "Copies due now that this relay would be the first to take.",
        samples: perRelay((states) => states.reduce((sum, { waiting }) => sum + waiting, 0)),
      },
      {
        name: "postern_ledger_pending_entries",
        type: "gauge",
        help: "Entries on their way to libSQL; grows while libSQL is away.",
        samples: total(ledgers.map(({ pending }) => pending)),
      },
      {
        name: "postern_ledger_parked_entries",
        type: "gauge",
        help: "Entries that libSQL will never take; each was logged with its reason.",
        samples: total(ledgers.map(({ parked }) => parked)),
      },
      {
        name: "postern_webhook_pending_deliveries",
        type: "gauge",
        help: "Events still to be told, by webhook.",
        samples: perWebhook(webhooks.flat(), (states) =>
          states.reduce((sum, { pending }) => sum + pending, 0),
        ),
      },
      {
        name: "postern_webhook_failing",
        type: "gauge",
        help: "1 while an endpoint has done nothing but fail since it last took something, as any ledger sees it.",
        samples: perWebhook(webhooks.flat(), (states) =>
          states.some(({ failures }) => failures > 0) ? 1 : 0,
        ),
      },
    ]),
    200,
    { "Content-Type": CONTENT_TYPE },
  );
});

const perWebhook = (states: WebhookHealth[], measure: (states: WebhookHealth[]) => number): Sample[] =>
  [...new Set(states.map(({ endpoint }) => endpoint))].map((webhook) => ({
    labels: { webhook },
    value: measure(states.filter(({ endpoint }) => endpoint === webhook)),
  }));

function oldest(outboxes: readonly OutboxGauges[], now: number): number {
  const since = outboxes.flatMap(({ oldestDueAt }) => (oldestDueAt === null ? [] : [oldestDueAt]));
  return since.length === 0 ? 0 : Math.max(0, now - Math.min(...since)) / 1_000;
}

function outcomes(outboxes: readonly OutboxGauges[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const { count, ...labels } of outboxes.flatMap(({ meters }) => meters.outcomes)) {
    const key = JSON.stringify(labels);
    const known = sums.get(key);
    if (known === undefined) sums.set(key, { labels, value: count });
    else known.value += count;
  }
  return [...sums.values()];
}

function histogram(name: string, help: string, parts: readonly Histogram[]): HistogramMetric {
  const { counts, sumMs } = parts.reduce(merge, emptyHistogram());
  const bounds = DURATION_BUCKETS_MS.map((ms) => ms / 1_000);
  return { name, type: "histogram", help, bounds, counts, sum: sumMs / 1_000 };
}
