/**
 * What several visits of one recipient say together: a scanner with a browser's name gives itself away by its pace.
 * Pure: the caller keeps the visits. See `verdict.ts` for what one visit says by itself.
 */
import {
  BURST_LINKS,
  BURST_MS,
  SAME_VISITOR_MS,
  SERIES_VISITS,
  SWEEP_LINKS,
  SWEEP_MS,
} from "../core/limits.ts";
import { type Judgement, scanner, tooSoon } from "./verdict.ts";

/** One visit, as it was recorded. */
export interface SeriesVisit extends Judgement {
  /** The event's id. */
  id: string;
  type: "open" | "click";
  /** Milliseconds since 1970. */
  at: number;
  /** The target of a click; null for an open. */
  link: string | null;
  /** The address as it is kept (truncated will do), and the user agent. Null: not kept. */
  ip: string | null;
  userAgent: string | null;
}

export interface SeriesJudgement extends Judgement {
  /** Earlier visits, by id, that the current one shows to have been the same scanner's. */
  revised: string[];
}

/** How fast is too fast. A person opens two links in a moment, not all of them; a hand with many tabs is slower than a sweep. */
const PACES: readonly { links: number; ms: number; reason: string }[] = [
  {
    links: BURST_LINKS,
    ms: BURST_MS,
    reason: `${BURST_LINKS} links of the mail within ${BURST_MS / 1000} seconds`,
  },
  {
    links: SWEEP_LINKS,
    ms: SWEEP_MS,
    reason: `${SWEEP_LINKS} links of the mail within ${SWEEP_MS / 1000} seconds`,
  },
];
const FEWEST_LINKS = Math.min(BURST_LINKS, SWEEP_LINKS);

/**
 * A harder verdict on `current` in the light of the recipient's other visits to the same message, or null when they
 * say nothing more. `visits` in any order, `current` may be among them; only the last SERIES_VISITS count.
 * `sentAt`: when a relay took the recipient's copy; null: not known.
 */
export function judgeSeries(
  visits: readonly SeriesVisit[],
  current: SeriesVisit,
  sentAt: number | null = null,
): SeriesJudgement | null {
  if (current.verdict === "scanner") return null;
  const soon = current.verdict === "person" ? tooSoon(current.at, sentAt) : null;
  if (soon !== null) return { ...soon, revised: [] };
  const earlier = latest(visits);
  // Most mail's visits go to a link or two, and need no closer look.
  if (current.type === "click" && hasLinks(earlier, () => true, current.link, FEWEST_LINKS)) {
    for (const { links, ms, reason } of PACES) {
      const isWithin = (visit: SeriesVisit): boolean =>
        visit.type === "click" && isBefore(visit, current) && current.at - visit.at <= ms;
      if (!hasLinks(earlier, isWithin, current.link, links)) continue;
      const revised = earlier.filter((visit) => isWithin(visit) && visit.verdict !== "scanner");
      return { ...scanner(reason), revised: revised.map(({ id }) => id) };
    }
  }
  let other: SeriesVisit | null = null;
  for (const visit of earlier)
    if (
      visit.verdict === "scanner" &&
      isBefore(visit, current) &&
      current.at - visit.at <= SAME_VISITOR_MS &&
      sameVisitor(visit, current) &&
      (other === null || visit.at > other.at)
    )
      other = visit;
  return other === null
    ? null
    : { ...scanner(`the same visitor as a scanner: ${plain(other.reason)}`), revised: [] };
}

/** Whether those visits went to so many different links, `link` among them. */
function hasLinks(
  visits: readonly SeriesVisit[],
  isWithin: (visit: SeriesVisit) => boolean,
  link: string | null,
  most: number,
): boolean {
  const links = [link];
  for (const visit of visits) {
    if (links.includes(visit.link) || !isWithin(visit)) continue;
    if (links.push(visit.link) >= most) return true;
  }
  return false;
}

const isBefore = (visit: SeriesVisit, current: SeriesVisit): boolean =>
  visit.at <= current.at && visit.id !== current.id;

/** The last SERIES_VISITS of them. */
const latest = (visits: readonly SeriesVisit[]): readonly SeriesVisit[] =>
  visits.length <= SERIES_VISITS ? visits : visits.toSorted((a, b) => b.at - a.at).slice(0, SERIES_VISITS);

const plain = (reason: string): string => reason.replace(/^(?:the same visitor as a scanner: )+/, "");

/** Same address and same user agent, both known: an office shares an address, and half the world a user agent. */
const sameVisitor = (a: SeriesVisit, b: SeriesVisit): boolean =>
  a.ip !== null && a.ip === b.ip && a.userAgent !== null && a.userAgent === b.userAgent;
