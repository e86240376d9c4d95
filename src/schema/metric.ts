/**
 * The metrics of GET /emails/metrics: what each is made of. Names are Resend's where Resend has one; ours stand beside.
 * Pure: from counts as the database keeps them to figures as callers see them.
 */

/** Which counts of the database make one metric. `bounced_later`: by a report, after a relay had taken it. */
const COUNTED = {
  sent: ["sent"],
  delivered: ["delivered"],
  delivery_delayed: ["delivery_delayed"],
  bounced: ["bounced", "bounced_later"],
  bounced_permanent: ["Permanent"],
  bounced_transient: ["Transient"],
  bounced_undetermined: ["Undetermined"],
  complained: ["complained"],
  suppressed: ["suppressed"],
  failed: ["failed"],
  scheduled: ["scheduled"],
  canceled: ["canceled"],
  unsubscribed: ["unsubscribed"],
  received: [], // Mail that comes in is read and not kept.
  // A proxy loads an image for somebody who may look at it; a scanner does so for nobody.
  opened: ["opened_person", "opened_proxy"],
  opened_person: ["opened_person"],
  opened_proxy: ["opened_proxy"],
  opened_scanner: ["opened_scanner"],
  clicked: ["clicked_person", "clicked_proxy"],
  clicked_person: ["clicked_person"],
  clicked_proxy: ["clicked_proxy"],
  clicked_scanner: ["clicked_scanner"],
  unique_opened: ["unique_opened"],
  unique_opened_person: ["unique_opened_person"],
  unique_opened_all: ["unique_opened_all"],
  unique_clicked: ["unique_clicked"],
  unique_clicked_person: ["unique_clicked_person"],
  unique_clicked_all: ["unique_clicked_all"],
} as const satisfies Record<string, readonly string[]>;

type Counted = keyof typeof COUNTED;

/** What a relay judged: it took the copy, or refused it for good. */
const JUDGED: readonly string[] = ["sent", "bounced"];
/** What a relay took and no report came back for; below, what comes back is taken away. */
const TAKEN: readonly string[] = ["sent"];

const RATES = {
  delivery_rate: { of: TAKEN, less: "bounced_later", to: JUDGED, toLess: null },
  bounce_rate: { of: COUNTED.bounced, less: null, to: JUDGED, toLess: null },
  open_rate: { of: COUNTED.unique_opened, less: null, to: TAKEN, toLess: "bounced_later" },
  open_rate_person: { of: COUNTED.unique_opened_person, less: null, to: TAKEN, toLess: "bounced_later" },
  open_rate_all: { of: COUNTED.unique_opened_all, less: null, to: TAKEN, toLess: "bounced_later" },
  click_rate: { of: COUNTED.unique_clicked, less: null, to: TAKEN, toLess: "bounced_later" },
  click_rate_person: { of: COUNTED.unique_clicked_person, less: null, to: TAKEN, toLess: "bounced_later" },
  click_rate_all: { of: COUNTED.unique_clicked_all, less: null, to: TAKEN, toLess: "bounced_later" },
  complaint_rate: { of: COUNTED.complained, less: null, to: TAKEN, toLess: "bounced_later" },
  unsubscribe_rate: { of: COUNTED.unsubscribed, less: null, to: TAKEN, toLess: "bounced_later" },
} as const;

type Rate = keyof typeof RATES;
export type Metric = Counted | Rate;

export const METRICS = [...Object.keys(COUNTED), ...Object.keys(RATES)] as Metric[];

/** Counts by the database's names. */
export type Counts = Map<string, number>;

const sum = (counts: Counts, names: readonly string[], less: string | null): number =>
  names.reduce((total, name) => total + (counts.get(name) ?? 0), 0) -
  (less === null ? 0 : (counts.get(less) ?? 0));

/** Four digits after the point: a hundredth of a percent. */
const fraction = (of: number, to: number): number =>
  to <= 0 ? 0 : Math.round((Math.max(0, of) / to) * 10_000) / 10_000;

/** A rate is a fraction of 1, and 0 where there is nothing to relate to. */
export function figuresFrom(counts: Counts, metrics: readonly Metric[]): Partial<Record<Metric, number>> {
  return Object.fromEntries(
    metrics.map((metric) => {
      if (!(metric in RATES)) return [metric, sum(counts, COUNTED[metric as Counted], null)];
      const { of, less, to, toLess } = RATES[metric as Rate];
      return [metric, fraction(sum(counts, of, less), sum(counts, to, toLess))];
    }),
  );
}
