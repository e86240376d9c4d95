/** Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4). Pure. */

export interface Sample {
  labels?: Record<string, string>;
  value: number;
}

export interface Metric {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: readonly Sample[];
}

/** Durations in seconds, as Prometheus wants them. `counts` has one more entry than `bounds`. */
export interface HistogramMetric {
  name: string;
  type: "histogram";
  help: string;
  bounds: readonly number[];
  counts: readonly number[];
  sum: number;
}

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export const exposition = (metrics: readonly (Metric | HistogramMetric)[]): string =>
  `${metrics.flatMap(linesOf).join("\n")}\n`;

function linesOf(metric: Metric | HistogramMetric): string[] {
  const { name, type, help } = metric;
  const head = [
    `# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}`,
    `# TYPE ${name} ${type}`,
  ];
  if (metric.type !== "histogram")
    return [...head, ...metric.samples.map(({ labels, value }) => `${name}${spell(labels ?? {})} ${value}`)];
  let sum = 0;
  const buckets = metric.counts.map((count, i) => {
    sum += count;
    const bound = metric.bounds[i];
    return `${name}_bucket${spell({ le: bound === undefined ? "+Inf" : String(bound) })} ${sum}`;
  });
  return [...head, ...buckets, `${name}_sum ${metric.sum}`, `${name}_count ${sum}`];
}

function spell(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`,
  );
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
