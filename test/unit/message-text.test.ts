import fc from "fast-check";
import { expect, it } from "vitest";
import { textOf } from "../../src/message/text.ts";

it.each([
  ["", ""],
  ["plain", "plain"],
  ["<p>One</p><p>Two</p>", "One\n\nTwo"],
  ["a<br>b<br/>c", "a\nb\nc"],
  ["a<br><br><br><br>b", "a\n\nb"],
  ["<h1>Title</h1>Text", "Title\n\nText"],
  ["  a \n\t b&nbsp; c ", "a b c"],
  ["<b>a</b> <i>b</i><u>c</u>", "a bc"],
  ["<div>a</div><div>b</div>", "a\nb"],
  ["<div><div><div>a</div></div></div><p>b", "a\n\nb"],
  ["&lt;b&gt; &amp; &euro; &#8364; &#x20ac;", "<b> & € € €"],
  ['<a href="https://x.com/a?b=1&amp;c=2">Link</a>.', "Link (https://x.com/a?b=1&c=2)."],
  ['<a href="https://x.com/">x.com</a>', "x.com"],
  ['<a href="https://www.x.com">https://x.com</a>', "https://x.com"],
  [
    '<a href="mailto:a@b.com">a@b.com</a> <a href="mailto:a@b.com">Write</a>',
    "a@b.com Write (mailto:a@b.com)",
  ],
  ['<a href="#top">Top</a> <a name="x">y</a>', "Top y"],
  ['<a href="https://x.com"><img src="x" alt="Logo"></a>', "Logo (https://x.com)"],
  ['<a href="https://x.com"><img src="x"></a>', "https://x.com"],
  ['Hi<a href="https://x.com"><img src="x" alt=""></a>Hello', "Hi https://x.com Hello"],
  ['<p><a href="https://x.com"></a></p><p>b', "https://x.com\n\nb"],
  ['<a href="https://x.com"> a </a>b', "a (https://x.com) b"],
  ["<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"],
  ["<ol start=3><li>a</li><li>b</li></ol>", "3. a\n4. b"],
  ["<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"],
  ["<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", "A  B\n1  2"],
  ["a<hr>b", "a\n\n---\n\nb"],
  ["<blockquote>a<br>b</blockquote>c", "> a\n> b\n\nc"],
  ["<pre>a\n  b</pre>", "a\n  b"],
  ['<div style="display:none">pre</div>seen', "seen"],
  ['<div style="color:red; DISPLAY: none !important">pre<br><b>x</b></div>seen', "seen"],
  ['<div style="max-height:0;overflow:hidden">pre</div><div hidden>x</div>seen', "seen"],
  ['<td style="font-size:0px"><div style="font-size:13px">seen</div></td>', "seen"],
  ["<title>t</title><style>a{}</style><script>x</script><!-- c --><!--[if mso]>m<![endif]-->seen", "t\nseen"],
  ["<head><title>t</title></head><body>seen", "seen"],
  ["a\u200b\u00adb&zwnj;", "ab\u200c"],
  ["<p>unclosed <b>bold", "unclosed bold"],
  ["<a href='https://x.com'>a<a href='https://y.com'>b", "a (https://x.com)b (https://y.com)"],
])("%s", (html, text) => expect(textOf(html)).toBe(text));

it("any html gives text, and no throw", () => {
  const piece = fc.constantFrom(
    "<p>",
    "</p>",
    "<a href='https://x.com'>",
    "</a>",
    "<ul>",
    "</ul>",
    "<li>",
    "<ol>",
    "</ol>",
    "<pre>",
    "</pre>",
    "<blockquote>",
    "</blockquote>",
    "<td>",
    "<tr>",
    " ",
    "\n",
    "x",
    "<div hidden>",
    "</div>",
    "<svg>",
    "<br>",
    "&nbsp;",
    "<",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const text = textOf(pieces.join(""));
      expect(text).toBe(text.trim());
      expect(text).not.toMatch(/\n{3}| \n/);
    }),
    { numRuns: 2_000 },
  );
});
it("half a million nested and unclosed elements are read in one go", () => {
  expect(textOf("<a href='https://x.com'>y".repeat(50_000)).length).toBeGreaterThan(50_000);
  expect(textOf(`<pre>${" ".repeat(500_000)}x</pre>`)).toContain("x");
});
