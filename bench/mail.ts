/** What the benchmarks send. */

const paragraph =
  "Postern keeps the words as they are and sends them on their way, one copy for each reader. ";

/** About 2 kB of text. */
export const TEXT_2K = paragraph.repeat(22);

/** About 3 kB of html with 20 links, in the manner of a newsletter. */
export const HTML_20_LINKS = `<!doctype html><html><head><title>News</title></head><body>
${Array.from({ length: 20 }, (_, i) => `<p style="margin:0 0 12px">Item ${i}: <a href="https://example.com/article/${i}?utm_source=news&amp;utm_medium=email">read on</a>, ${paragraph.slice(0, 40)}</p>`).join("\n")}
</body></html>`;

export const FROM = "Bench <bench@example.com>";
export const recipient = (i: number): string => `reader-${i}@example.net`;
