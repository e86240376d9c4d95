/** "10/s", "100/m", "10000/d": how often something may happen. Pure. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/limits.ts";

/** At most `count` in any `perMs` milliseconds. */
export interface Frequency {
  count: number;
  perMs: number;
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** "10/s", "100/m", "500/h", "10000/d"; null when it is none of them. */
export function frequency(text: string): Frequency | null {
  const match = /^([1-9]\d{0,8})\/([smhd])$/.exec(text.trim());
  return match === null ? null : { count: Number(match[1]), perMs: UNIT_MS[match[2]!]! };
}

/** As `frequency` reads it. */
export const spellFrequency = ({ count, perMs }: Frequency): string =>
  `${count}/${Object.keys(UNIT_MS).find((unit) => UNIT_MS[unit] === perMs)}`;
