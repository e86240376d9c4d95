/**
 * Tracking put into html: links rewritten in place, a pixel before `</body>`. Nothing else changes by a byte. What
 * counts as a link is in `scan.ts`, which of them are tracked in `links.ts`.
 */
import type { Slot } from "./compiled.ts";
import { linkTarget } from "./links.ts";
import type { Scan } from "./scan.ts";

export interface Tracking {
  /** Base URL of tracking links, without a slash at the end. */
  trackingBase: string;
  opens: boolean;
  clicks: boolean;
  /** What stands after `/c/TOKEN/` for a target; null: it cannot be tracked. */
  signLink: (target: string) => string | null;
  /** What stands for a link whose value, at an offset of the html, is no target by itself. Null: leave it. */
  linkTemplate?: (value: string, at: number) => Slot | null;
}

/** A constant run and where it stands in the html given; `at` is -1 when it was added. */
export interface Run {
  at: number;
  text: string;
}

const TOKEN: Slot = { kind: "token" };
/** What may stand in an attribute without quotes and in quoted-printable and html as it is. */
const SAFE_BASE = /^https?:\/\/[A-Za-z0-9._~:/[\]-]+$/;

/** The html with tracking in it, as runs and slots. Without anything to do: one run, the html itself. */
export function instrument(html: string, scan: Scan, tracking: Tracking): (Run | Slot)[] {
  const { trackingBase } = tracking;
  if (!SAFE_BASE.test(trackingBase))
    throw new Error(`trackingBase is not a plain http(s) URL: ${trackingBase}`);
  const pieces: (Run | Slot)[] = [];
  let from = 0;
  const keep = (end: number): void => {
    if (end > from) pieces.push({ at: from, text: html.slice(from, end) });
    from = end;
  };
  const add = (...runs: string[]): void => {
    for (const [i, text] of runs.entries()) {
      if (i > 0) pieces.push(TOKEN);
      pieces.push({ at: -1, text });
    }
  };
  let pixelAt = tracking.opens ? (scan.bodyEnd < 0 ? html.length : scan.bodyEnd) : Number.POSITIVE_INFINITY;
  const pixel = (): void => {
    keep(pixelAt);
    add(...(scan.hasImage ? image(trackingBase) : background(trackingBase)));
    pixelAt = Number.POSITIVE_INFINITY;
  };
  if (tracking.clicks) {
    const signed = new Map<string, string | null>();
    for (const link of scan.links) {
      if (link.optedOut) continue;
      const value = html.slice(link.start, link.end);
      const target = linkTarget(value);
      if (target === null) {
        const template = tracking.linkTemplate?.(value, link.start) ?? null;
        if (template === null) continue;
        if (pixelAt <= link.start) pixel();
        keep(link.start);
        pieces.push(template);
        from = link.end;
        continue;
      }
      let signature = signed.get(target);
      if (signature === undefined) {
        signature = tracking.signLink(target);
        signed.set(target, signature);
      }
      if (signature === null) continue;
      if (pixelAt <= link.start) pixel();
      keep(link.start);
      add(`${trackingBase}/c/`, `/${signature}`);
      from = link.end;
    }
  }
  if (pixelAt <= html.length) pixel();
  keep(html.length);
  return pieces;
}

/** The pixel: the runs between which the token stands. */
const image = (base: string): string[] => [
  `<img src="${base}/o/`,
  '" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">',
];

/**
 * The pixel of a mail without images: a table's background, which mail programs load as they load images; a picture to
 * Outlook, whose backgrounds are VML. For SpamAssassin holds an image against a mail of few words (HTML_IMAGE_ONLY_04 to _32,
 * one to three points of its five), and a receipt is not spam for a pixel's sake.
 */
const background = (base: string): string[] => {
  const [opening, ending] = image(base) as [string, string];
  return [
    `<!--[if !mso]><!--><table role="presentation" width="1" height="1" cellpadding="0" cellspacing="0" border="0" background="${base}/o/`,
    `"><tr><td width="1" height="1"></td></tr></table><!--<![endif]--><!--[if mso]>${opening}`,
    `${ending}<![endif]-->`,
  ];
};
