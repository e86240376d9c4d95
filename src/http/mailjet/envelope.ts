/** What every REST resource answers with: `{Count, Data, Total}`. */
import { exactJson } from "../../core/exact-json.ts";
import type { AppContext } from "../context.ts";
import { refuse } from "./errors.ts";

/** `total`: how many there are in all, where that was asked for; else as many as are here, as with Mailjet. */
export function list(
  c: AppContext,
  data: readonly unknown[],
  total = data.length,
  status: 200 | 201 = 200,
): Response {
  c.header("Content-Type", "application/json; charset=utf-8");
  return c.body(
    exactJson({ Count: data.length === 0 ? total : data.length, Data: data, Total: total }),
    status,
  );
}

/** Mailjet's spelling of a moment: `2018-01-01T00:00:00Z`. */
export const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export const noSuch = (c: AppContext, what: string): Response =>
  refuse(c, { status: 404, code: "", message: `There is no ${what} of this ID.` });
