import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instrument, type Tracking } from "../../src/message/instrument.ts";
import { linkTarget } from "../../src/message/links.ts";
import { scanHtml } from "../../src/message/scan.ts";
import { BASE, context, TOKEN, targetsIn, untracked } from "../support/mail.ts";

const track = (html: string, how: Partial<Tracking> = {}): string =>
  instrument(html, scanHtml(html), { ...context({ clicks: true }), ...how })
    .map((piece) => ("kind" in piece ? TOKEN : piece.text))
    .join("");

const T = "https://x.com/a";
describe("links that are followed", () => {
  it.each([
    [`<a href="${T}">`, T],
    [`<a href='${T}'>`, T],
    [`<a href=${T}>`, T],
    [`<a href=${T}/>`, `${T}/`],
    [`<A HREF="${T}">`, T],
    [`<a\n\thref\n=\n"${T}"\n>`, T],
    [`<a href="  ${T}\n">`, T],
    [`<a href="https://x.com/\n  a\t">`, "https://x.com/%20%20a"],
    [`<a href="https://x.com/a b">`, "https://x.com/a%20b"],
    [`<a href="${T}?b=1&amp;c=2">`, `${T}?b=1&c=2`],
    [`<a href="${T}?b=1&#38;c=2&#x26;d">`, `${T}?b=1&c=2&d`],
    [`<a href="${T}?b=1&c=2">`, `${T}?b=1&c=2`],
    [`<a href="${T}?x=1&copy=2&reg;&notit=3">`, `${T}?x=1&copy=2®&notit=3`],
    [`<a href="&#104;ttps&colon;//x.com/a">`, T],
    [`<a href="HTTPS://X.com/A">`, "HTTPS://X.com/A"],
    [`<a href="https://bücher.example/ö?ü#é">`, "https://bücher.example/ö?ü#é"],
    [`<a href="https://x.com/%20%C3%B6%2F">`, "https://x.com/%20%C3%B6%2F"],
    [`<a href="https://x.com/?a=50%&b=100%25">`, "https://x.com/?a=50%&b=100%25"],
    [`<a href="${T}" href="https://y.com">`, T],
    [`<area href="${T}">`, T],
    [`<!--[if mso]><v:roundrect href="${T}"><![endif]-->`, T],
    [`<!--[if (gte mso 9)|(IE)]><a href=${T}><![endif]-->`, T],
    [`<!--[if !mso]><!--><a href="${T}"><!--<![endif]-->`, T],
    [`<!--[if !mso]> --><a href="${T}"><!-- <![endif]-->`, T],
    [`<![if !mso]><a href="${T}"><![endif]>`, T],
    [`<v:rect href='${T}' />`, T],
    [`<noscript><a href="${T}"></noscript>`, T],
    [`<svg><a href="${T}"></svg>`, T],
    [`<script><!-- <script></script> --></script><a href="${T}">`, T],
    [`<script><!-- <script></script> <a href="https://no.example"> </script> x </script><a href="${T}">`, T],
    [`<script><!--><script></script><a href="${T}">`, T],
    [`<script><!-- </script><a href="${T}">`, T],
    [`<script><script></script><a href="${T}">`, T],
    [`<script><!-- <scripts> </script><a href="${T}">`, T],
    [`<a data-track="on" href="${T}">`, T],
    [`<a data-track="on" href="${T}" data-track="off">`, T],
    [`<!--[if mso]><!--[if gte mso 12]><a href="${T}"><![endif]-->`, T],
    [`<!--[if mso]>\n x <!--[if vml]><!--[if gte mso 12]><a href="${T}"><![endif]-->`, T],
  ])("%s", (html, target) => {
    const out = track(html);
    expect(targetsIn(out)).toEqual([target]);
    const [raw] = scanHtml(html).links;
    expect(untracked(out, [html.slice(raw!.start, raw!.end)])).toBe(html);
  });
});

describe("links that stay", () => {
  it.each([
    `<a href="mailto:a@b.com?subject=https://x.com">`,
    `<a href="tel:+1">`,
    `<a href="cid:logo">`,
    `<a href="#top">`,
    `<a href="/a">`,
    `<a href="a.html">`,
    `<a href="//x.com/a">`,
    `<a href="ftp://x.com">`,
    `<a href="javascript:location='https://x.com'">`,
    `<a href="">`,
    `<a href>`,
    `<a>`,
    `<a href="https:x.com">`,
    `<a href="{{url}}">`,
    `<a href="https://x.com/{{id}}">`,
    `<a href="https://x.com/*|UNIQID|*">`,
    `<a href="https://x.com/?e=%recipient%">`,
    `<a href="https://x.com/?e=%recipient.name%&b=1">`,
    `<a href="https://x.com/?e=%EMAIL%">`,
    `<a href="https://x.com/%%id%%">`,
    `<a href="https://x.com/{% if a %}">`,
    `<a href="https://x.com/<%= id %>">`,
    `<a href="https://x.com/&#123;{id}}">`,
    `<a data-track="off" href="${T}">`,
    `<a href="${T}" DATA-TRACK=OFF>`,
    `<a href="${T}" clicktracking="off">`,
    `<a href="${T}" clicktracking=off>`,
    `<a href="${T}" ses:no-track>`,
    `<a ses:no-track="" href="${T}">`,
    `<a href="${T}" data-pm-no-track />`,
    `<link href="${T}">`,
    `<base href="${T}">`,
    `<img src="${T}">`,
    `<form action="${T}">`,
    `<abbr href="${T}">`,
    `<a data-href="${T}" xhref="${T}">`,
    `<a title='href="${T}"'>`,
    `<a xlink:href="${T}">`,
    `<!-- <a href="${T}"> -->`,
    `<!-- [if mso]x <a href="${T}"> -->`,
    `<!x [if mso]><!-- <a href="${T}"> -->`,
    `<script>'<a href="${T}">'</script>`,
    `<script><!--<script></script><a href="${T}">--></script>`,
    `<script><!-- <script x> </script> <script> </script> <a href="${T}"></script>`,
    `<script><!--<script></script><a href="${T}">`,
    `<style>/*<a href="${T}">*/</style>`,
    `<title><a href="${T}"></title>`,
    `<textarea><a href="${T}"></textarea>`,
    `<template><a href="${T}"></template>`,
    `<template><!--[if mso]><a href="${T}"><![endif]--></template>`,
    `< a href="${T}">`,
    `</a href="${T}">`,
    `<a href="${T}`,
    `<a href="${T}"`,
    `<a href="https://x.com/\u0001x">`,
    `<a href="\0${T}">`,
    `<a href="${T}\0">`,
    `<a href="&#0;${T}">`,
    `${"<!--[if mso]>".repeat(50_000)}<a href="${T}">`,
    `<a href="https://x.com/${"x".repeat(5_000)}">`,
  ])("%s", (html) => expect(track(html)).toBe(html));

  it("does not take percent-encoding for a merge tag", () => {
    for (const escaped of ["%C3%B6", "%20off%20", "%E2%82%AC%20", "%de%ad%be%ef"])
      expect(linkTarget(`${T}?${escaped}`)).toBe(`${T}?${escaped}`);
  });
});

describe("the pixel", () => {
  const image = `<img src="${BASE}/o/${TOKEN}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">`;
  const background = `<!--[if !mso]><!--><table role="presentation" width="1" height="1" cellpadding="0" cellspacing="0" border="0" background="${BASE}/o/${TOKEN}"><tr><td width="1" height="1"></td></tr></table><!--<![endif]--><!--[if mso]>${image}<![endif]-->`;
  const only = { opens: true, clicks: false };
  it.each([
    ["<body>x</body>", "<body>x|</body>"],
    ["<BODY>x</BODY ></html>", "<BODY>x|</BODY ></html>"],
    ["<p>x", "<p>x|"],
    ["", "|"],
    ["<body>x</body><!-- </body> -->", "<body>x|</body><!-- </body> -->"],
    ["<body>x</body><script>'</body>'</script>", "<body>x|</body><script>'</body>'</script>"],
    ["<body></body></body>", "<body></body>|</body>"],
    ["<!--[if mso]></body><![endif]--></body>", "<!--[if mso]></body><![endif]-->|</body>"],
    ["<!--[if mso]></body><![endif]-->", "<!--[if mso]></body><![endif]-->|"],
  ])("%s", (html, where) => {
    expect(track(html, only)).toBe(where.replace("|", background));
    expect(track(`<IMG SRC="a">${html}`, only)).toBe(`<IMG SRC="a">${where.replace("|", image)}`);
  });
  it.each([
    ["<img src=a>", true],
    ["<p><b><Img></p>", true],
    ["<image src=a><picture></picture>", false],
    ["<!-- <img src=a> --><!--[if mso]><img src=a><![endif]-->", false],
    ["<!--[if !mso]><!--><img src=a><!--<![endif]-->", true],
    ["<script>'<img src=a>'</script><p title='<img>'>", false],
  ])("is an image only beside another: %s", (html, beside) =>
    expect(track(html, only)).toBe(html + (beside ? image : background)),
  );
  it("comes before links that follow the body", () => {
    const html = `<body><a href="${T}">1</a></body><a href="${T}">2</a>`;
    const out = track(html, { opens: true });
    expect(out.indexOf(background)).toBe(out.indexOf("</body>") - background.length);
    expect(untracked(out, [T, T])).toBe(html);
  });
});

it("opens and clicks are independent, and with neither nothing changes", () => {
  const html = `<body><a href="${T}">1</a></body>`;
  expect(track(html, { opens: false, clicks: false })).toBe(html);
  expect(targetsIn(track(html, { opens: true, clicks: false }))).toEqual([]);
  expect(track(html, { opens: false, clicks: true })).not.toContain("/o/");
});
it("a target is signed once however often it is linked", () => {
  let calls = 0;
  const signLink = (): string => {
    calls++;
    return "x";
  };
  track(`<a href="${T}"><a href='${T}'><a href="${T}?">`, { signLink });
  expect(calls).toBe(2);
});
it("a tracking base that could end an attribute is a defect", () => {
  for (const trackingBase of [
    "https://x.com/a b",
    'https://x.com"',
    "https://x.com/'>",
    "https://x.com/&amp;",
  ])
    expect(() => track("<p>", { trackingBase })).toThrow(/trackingBase/);
});

it("any html: no throw, and all but tracking is the same byte for byte", () => {
  const piece = fc.constantFrom(
    "<a ",
    "href=",
    '"',
    "'",
    T,
    ">",
    "</a>",
    "<!--",
    "-->",
    "[if mso]>",
    "<![endif]-->",
    "<v:rect ",
    "<area ",
    " ",
    "\n",
    "&amp;",
    "&",
    "</body>",
    "<script>",
    "</script>",
    "<template>",
    "</template>",
    "<![CDATA[",
    "]]>",
    "<!",
    "--!>",
    "<?",
    "/",
    "=",
    "ü",
    "🎉",
    "data-track=off",
    "{{x}}",
    "<title>",
    "<svg>",
    "<plaintext>",
    "\0",
    "\ud800",
  );
  const html = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((list) => list.join("")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );
  fc.assert(
    fc.property(html, (given) => {
      const scan = scanHtml(given);
      const out = track(given, { opens: true });
      const tracked = scan.links.filter(
        (link) =>
          !link.optedOut && context().signLink(linkTarget(given.slice(link.start, link.end)) ?? "") !== null,
      );
      expect(targetsIn(out)).toEqual(tracked.map((link) => linkTarget(given.slice(link.start, link.end))));
      expect(
        untracked(
          out,
          tracked.map((link) => given.slice(link.start, link.end)),
        ),
      ).toBe(given);
    }),
    { numRuns: 5_000 },
  );
});
