/**
 * Mails of structures that differ, made from a seed: layouts of several schools, markup of several hands, and damage of
 * several kinds. The same seed gives the same mail. What links a mail holds is not told here: an oracle finds them.
 */

/** Numbers from 0 to 1 (mulberry32): the same for a seed on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How a hand writes tags. */
interface Hand {
  quote: '"' | "'" | "";
  upper: boolean;
  /** Between attributes, and before the `>`. */
  gap: string;
  end: string;
  /** Whether optional end tags are written. */
  closes: boolean;
  amp: string;
}

const WORDS = {
  latin: "summer sale begins today with twenty percent off everything you love and free returns".split(" "),
  thai: "สวัสดี ข่าวดี ลดราคา วันนี้ เท่านั้น 🎉 ขอบคุณ".split(" "),
  arabic: "مرحبا بكم في نشرتنا الأسبوعية عرض خاص اليوم".split(" "),
  emoji: "🔥 👩‍👩‍👧 ✨ 🇩🇪 💌 ❤️ 🏳️‍🌈".split(" "),
  german: "Größe Übergrößen für Straßen &ouml;ffnen &amp; schließen &#8211; heute".split(" "),
};
type Tongue = keyof typeof WORDS;

export interface Made {
  html: string;
  name: string;
}

/** A mail of about `sections` sections. */
export function makeTemplate(seed: number, sections = 6): Made {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const hand: Hand = {
    quote: pick(['"', '"', '"', "'", ""] as const),
    upper: random() < 0.2,
    gap: pick([" ", " ", "\n  ", "\t", "  "]),
    end: pick(["", "", " ", "\n"]),
    closes: random() < 0.8,
    amp: pick(["&amp;", "&amp;", "&", "&#38;", "&#x26;", "&AMP;"]),
  };
  const tongue = pick(Object.keys(WORDS) as Tongue[]);
  const make = new Maker(hand, random, pick, tongue);
  const layout = pick([mjml, ghostTables, outlookFirst, bare, modular] as const);
  const whole = layout(make, sections);
  const eol = pick(["\n", "\n", "\r\n", "\r", "\n\n"]);
  const damage = pick([...DAMAGES, ...DAMAGES.map(() => null)]);
  const html = (damage === null ? whole : damage(whole, random)).replaceAll("\n", eol);
  return { html, name: `seed ${seed}: ${layout.name}, ${tongue}, ${damage?.name ?? "whole"}` };
}

class Maker {
  readonly hand: Hand;
  readonly random: () => number;
  readonly pick: <T>(list: readonly T[]) => T;
  readonly tongue: Tongue;
  private links = 0;

  constructor(hand: Hand, random: () => number, pick: <T>(list: readonly T[]) => T, tongue: Tongue) {
    this.hand = hand;
    this.random = random;
    this.pick = pick;
    this.tongue = tongue;
  }

  tag(name: string, attributes: Record<string, string> = {}, close = ">"): string {
    const { gap, end, upper } = this.hand;
    const cased = (text: string) => (upper ? text.toUpperCase() : text);
    const list = Object.entries(attributes).map(([key, value]) => gap + cased(key) + this.value(value));
    return `<${cased(name)}${list.join("")}${end}${close}`;
  }

  private value(value: string): string {
    const { quote } = this.hand;
    if (value === "") return "";
    const wanted = quote === "" && /[\s"'=<>`]/.test(value) ? '"' : quote;
    return `=${wanted}${wanted === "'" ? value.replaceAll("'", "&#39;") : value.replaceAll('"', "&quot;")}${wanted}`;
  }

  end(name: string): string {
    return this.hand.closes || !/^(?:p|td|tr|li)$/.test(name)
      ? `</${this.hand.upper ? name.toUpperCase() : name}>`
      : "";
  }

  words(count: number): string {
    return Array.from({ length: count }, () => this.pick(WORDS[this.tongue])).join(" ");
  }

  url(): string {
    const n = ++this.links;
    const { amp } = this.hand;
    return this.pick([
      `https://www.example.com/item/${n}?utm_source=news${amp}utm_medium=email`,
      `http://example.net/${n}`,
      `HTTPS://Example.ORG/Path${n}?q=a%20b${amp}r=%C3%B6#part`,
      `https://bücher.example/größe/${n}?ä=ö${amp}ü=ß`,
      `https://ตัวอย่าง.example/${n}`,
      `https://example.com/${n}?a=1&copy=2${amp}lt=3`,
      `https://example.com/${n}?q=&eacute;&#x1F600;`,
      `  https://example.com/${n}/spaces `,
      `mailto:x${n}@example.com?subject=https://example.com`,
      `https://example.com/{{id}}/${n}`,
      `https://example.com/${n}?id=*|UNIQID|*`,
      `https://example.com/${n}?id=%%id%%`,
      `#anchor${n}`,
      `/relative/${n}`,
      `{{ url_${n} }}`,
    ]);
  }

  link(text = this.words(2)): string {
    const more = this.pick<Record<string, string>>([
      {},
      { class: "button" },
      { target: "_blank", style: "color:#fff;padding:0 10px" },
      { title: "a > b" },
      { "data-track": "off" },
      { clicktracking: "off" },
      { "ses:no-track": "" },
      { href: "https://example.com/second" },
    ]);
    const href = { href: this.url() };
    const attributes =
      "href" in more
        ? { ...href, HREF: more.href! }
        : this.random() < 0.5
          ? { ...href, ...more }
          : { ...more, ...href };
    return `${this.tag("a", attributes)}${text}${this.end("a")}`;
  }

  button(): string {
    const inner = `<w:anchorlock/><center>${this.words(1)}</center>`;
    const shape = this.pick(["v:roundrect", "v:rect", "v:oval", "V:RoundRect"]);
    const condition = this.pick(["mso", "gte mso 9", "mso | IE", "(mso)|(gte mso 9)", "gte vml 1"]);
    const others = this.pick([
      ["<!--[if !mso]><!-->", "<!--<![endif]-->"],
      ["<!--[if !mso]><!-- -->", "<!-- <![endif]-->"],
      ["<!--[if !mso]> -->", "<!-- <![endif]-->"],
      ["<![if !mso]>", "<![endif]>"],
    ] as const);
    const vml = this.tag(shape, {
      "xmlns:v": "urn:schemas-microsoft-com:vml",
      href: this.url(),
      arcsize: "10%",
    });
    return `<!--[if ${condition}]>\n${vml}${inner}</${shape}>\n<![endif]-->${others[0]}${this.link()}${others[1]}\n`;
  }

  image(): string {
    const image = this.tag("img", {
      src: "https://cdn.example.com/x.png?a=1",
      width: "600",
      alt: this.words(1),
    });
    return this.random() < 0.5 ? `${this.tag("a", { href: this.url() })}${image}${this.end("a")}` : image;
  }

  map(): string {
    const area = () =>
      this.tag("area", { shape: "rect", coords: "0,0,9,9", href: this.url() }, this.pick([">", "/>", " />"]));
    return `${this.tag("map", { name: "m" })}${area()}${area()}${this.end("map")}`;
  }

  section(): string {
    return this.pick([
      () => `${this.tag("p")}${this.words(12)} ${this.link()} ${this.words(5)}${this.end("p")}`,
      () => this.button(),
      () => this.image(),
      () => this.map(),
      () =>
        `${this.tag("ul")}${`${this.tag("li")}${this.link()}${this.end("li")}\n`.repeat(3)}${this.end("ul")}`,
      () => `<!-- ${this.words(2)} ${this.link()} -->`,
      () =>
        `${this.tag("h2")}${this.words(3)}${this.end("h2")}<style>a:hover{content:"<a href='https://example.com/css'>"}</style>`,
      () => `<table>${`<tr><td>${this.words(2)}</td><td>${this.link()}</td></tr>`.repeat(3)}</table>`,
    ])();
  }

  body(sections: number): string[] {
    return Array.from({ length: sections }, () => this.section());
  }
}

const HEAD =
  '<head><meta charset="utf-8"><title>News</title><!--[if mso]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]--></head>';

function mjml(make: Maker, sections: number): string {
  const rows = make
    .body(sections)
    .map(
      (part) =>
        `<!--[if mso | IE]><table align="center" border="0" class="" style="width:600px;" width="600"><tr><td style="line-height:0px;font-size:0px;mso-line-height-rule:exactly;"><![endif]--><div style="margin:0px auto;max-width:600px;">${part}</div><!--[if mso | IE]></td></tr></table><![endif]-->`,
    );
  return `<!doctype html><html xmlns:v="urn:schemas-microsoft-com:vml">${HEAD}<body style="word-spacing:normal;"><div>${rows.join("")}</div></body></html>`;
}

function ghostTables(make: Maker, sections: number): string {
  const cells = make.body(sections).join("\n<!--[if mso]></td><td width='300'><![endif]-->\n");
  return `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n<html>${HEAD}<body><!--[if mso]><table><tr><td width='300'><![endif]-->${cells}<!--[if mso]></td></tr></table><![endif]--></body></html>`;
}

function outlookFirst(make: Maker, sections: number): string {
  const parts = make
    .body(sections)
    .map((part) => `${make.button()}<p class=MsoNormal>${part}<o:p></o:p></p>`);
  const rect = make.tag("v:rect", { fill: "true", href: make.url() });
  return `<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">${HEAD}<body lang=EN-US><div class=WordSection1><!--[if gte mso 9]>${rect}<v:textbox inset="0,0,0,0"><![endif]-->${parts.join("\n")}<!--[if gte mso 9]></v:textbox></v:rect><![endif]--></div></body></html>`;
}

function bare(make: Maker, sections: number): string {
  return make.body(sections).join("<br>\n");
}

function modular(make: Maker, sections: number): string {
  const nest = (depth: number, inner: string): string =>
    depth === 0
      ? inner
      : `${make.tag("table", { width: "100%", role: "presentation" })}${make.tag("tr")}${make.tag("td")}${nest(depth - 1, inner)}${make.end("td")}${make.end("tr")}</table>`;
  const rows = make.body(sections).map((part) => nest(1 + Math.floor(make.random() * 6), part));
  const dir = make.tongue === "arabic" ? "rtl" : "ltr";
  return `<!DOCTYPE html>\n${make.tag("html", { dir })}${HEAD}${make.tag("body", { dir })}\n${rows.join("\n")}\n${make.end("body")}${make.end("html")}`;
}

type Damage = (html: string, random: () => number) => string;

/** Cuts `share` of all places that match, at least one. */
const cut = (html: string, random: () => number, what: RegExp, share: number, by = ""): string =>
  html.replace(what, (found) => (random() < share ? by : found));

const DAMAGES: readonly Damage[] = [
  function missingEndTags(html, random) {
    return cut(html, random, /<\/[a-z0-9]+>/gi, 0.4);
  },
  function missingQuotes(html, random) {
    return cut(html, random, /["']/g, 0.03);
  },
  function missingBrackets(html, random) {
    return cut(html, random, /[<>]/g, 0.02);
  },
  function missingCommentEnds(html, random) {
    return cut(html, random, /-->/g, 0.2);
  },
  function strayBrackets(html, random) {
    return cut(html, random, / /g, 0.03, " < 3 > 2 << ");
  },
  function strayNulls(html, random) {
    return cut(html, random, / /g, 0.05, "\0");
  },
  function nestedLinks(html) {
    return html.replaceAll(/<\/a>/gi, "");
  },
  function cdata(html, random) {
    return cut(html, random, /<p/gi, 0.5, "<![CDATA[ x > y ]]><p");
  },
  function oddDeclarations(html, random) {
    return cut(html, random, /<table/gi, 0.5, "<?xml version='1.0'?><!x y><table");
  },
  function cutOff(html, random) {
    return html.slice(0, Math.floor(html.length * (0.3 + random() * 0.7)));
  },
  function lostCharacters(html, random) {
    return cut(html, random, /[\s\S]/g, 0.01);
  },
];
