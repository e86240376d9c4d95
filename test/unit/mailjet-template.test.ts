/** Mailjet's template language and URLTags: what comes out, and what is complained about. */
import { describe, expect, it } from "vitest";
import { renderTemplate } from "../../src/message/mailjet/template.ts";
import { addUrlTags } from "../../src/message/mailjet/url-tags.ts";

const VARIABLES = {
  name: "Ada",
  empty: "",
  zero: 0,
  price: 19.5,
  count: "3",
  paid: true,
  open: "false",
  order: {
    id: 7,
    lines: [
      { title: "Pen", cost: 2 },
      { title: "Ink", cost: 11 },
    ],
  },
  none: [],
  html: "<b>bold</b> & more",
  gone: null,
};

describe("what is printed", () => {
  it.each([
    ["a variable", "Hi {{var:name}}!", "Hi Ada!"],
    ["with spaces", "Hi {{ var:name }}!", "Hi Ada!"],
    ["a default that is not needed", '{{var:name:"you"}}', "Ada"],
    ["a default that is", '{{var:nobody:"you"}}', "you"],
    ["an empty default", '{{var:nobody:""}}', ""],
    ["a default in single quotes", "{{var:nobody:'you'}}", "you"],
    ["a default that is a number", "{{var:nobody:5}}", "5"],
    ["a default that is another variable", "{{var:nobody:var:name}}", "Ada"],
    ["a default with a quote in it", '{{var:nobody:"a \\"b\\" {c}"}}', 'a "b" {c}'],
    ["null, which is absent", '{{var:gone:"x"}}', "x"],
    ["empty text, which is not", '{{var:empty:"x"}}', ""],
    ["numbers and flags", "{{var:zero}} {{var:price}} {{var:paid}}", "0 19.5 true"],
    ["a path", "{{var:order.id}} {{var:order.lines[1].title}} {{var:order.lines.0.title}}", "7 Ink Pen"],
    ["contact data, by its default", '{{data:firstname:"friend"}}', "friend"],
    ["markup as it is", "<p>{{var:html}}</p>", "<p><b>bold</b> & more</p>"],
    [
      "arithmetic",
      "{{var:price * 2 + 1}} {{(7 + 3) / 4}} {{7 div 2}} {{7 mod 4}} {{-3 + 5}}",
      "40 2.5 3 3 2",
    ],
    ["numbers that are text", "{{var:count + 1}}", "4"],
    ["text joined", '{{var:name + "!"}}', "Ada!"],
    ["what only looks like it", "{ {var:name} } {{ } { % % }", "{ {var:name} } {{ } { % % }"],
    ["a brace that is never closed", "a {{var:name", "a {{var:name"],
  ])("%s", (_, source, text) => {
    expect(renderTemplate(source, VARIABLES)).toEqual({ text, errors: [] });
  });
});

describe("conditions", () => {
  it.each([
    ["var:name", true],
    ["var:nobody", false],
    ["var:empty", false],
    ["var:zero", false],
    ["var:open", false],
    ["var:none", false],
    ["var:order.lines", true],
    ["not var:nobody", true],
    ["not var:name and var:name", false],
    ['var:name = "Ada"', true],
    ['var:name == "ada"', false],
    ['var:name === "Ada"', true],
    ['var:name != "Bea"', true],
    ['var:name <> "Ada"', false],
    ['var:nobody = ""', true],
    ["var:count > 2", true],
    ["var:count >= 3 and var:count <= 3", true],
    ["var:count < 3", false],
    ['"10" > "9"', true],
    ["var:nobody or var:paid", true],
    ["var:name xor var:paid", false],
    ["(var:nobody or var:name) and not (var:zero or var:empty)", true],
    ["(var:order.id mod 2) = 1", true],
    ["true and not false", true],
  ])("%s is %s", (condition, so) => {
    const { text, errors } = renderTemplate(`{% if ${condition} %}yes{% else %}no{% endif %}`, VARIABLES);
    expect(errors).toEqual([]);
    expect(text).toBe(so ? "yes" : "no");
  });
});

describe("statements", () => {
  it.each([
    [
      "if, elseif, else",
      "{% if var:zero %}a{% elseif var:count = 3 %}b{% elseif var:name %}c{% else %}d{% endif %}",
      "b",
    ],
    ["an if that is false and has no else", "a{% if var:zero %}b{% endif %}c", "ac"],
    [
      "a loop",
      "{% for line in var:order.lines %}{{line.title}}: {{line.cost * 2}}; {% endfor %}",
      "Pen: 4; Ink: 22; ",
    ],
    [
      "loops in loops, and a name that is shadowed",
      "{% for x in var:order.lines %}{% for x in var:order.lines %}{{x.cost}} {% endfor %}{{x.title}} {% endfor %}",
      "2 11 Pen 2 11 Ink ",
    ],
    [
      "a loop over nothing",
      "[{% for x in var:none %}{{x}}{% endfor %}{% for x in var:nobody %}{{x}}{% endfor %}]",
      "[]",
    ],
    [
      "set, in a loop too",
      "{% set sum = 0 %}{% for l in var:order.lines %}{% set sum = sum + l.cost %}{% endfor %}{{sum}}",
      "13",
    ],
    [
      "a condition inside a tag",
      '<a style="color:{% if var:paid %}green{% else %}red{% endif %}">',
      '<a style="color:green">',
    ],
  ])("%s", (_, source, text) => {
    expect(renderTemplate(source, VARIABLES)).toEqual({ text, errors: [] });
  });
});

describe("what is wrong is said, with its line", () => {
  const broken: [string, string, string][] = [
    ["an if without end", "a\n{% if var:name %}b", "Line 2 begins if without endif."],
    ["an end without if", "{% endif %}", "Line 1 `{% endif %}` has no if to end."],
    ["the wrong end", "{% if var:a %}{% endfor %}", "Line 1 `{% endfor %}` has no for to end."],
    ["else twice", "{% if var:a %}{% else %}{% else %}{% endif %}", "stands after else"],
    ["else alone", "{% else %}", "stands outside an if"],
    ["an unknown statement", "{% include x %}", "no statement that is served here"],
    ["a function", "{{Upper(var:name)}}", "functions are not served here"],
    ["nothing to print", "{{}}", "ends where a value should stand"],
    ["half an expression", "{{var:a + }}", "ends where a value should stand"],
    ["two values", "{{var:a var:b}}", "has `var` where it should end"],
    ["a strange sign", "{{var:a & 1}}", "cannot be read from `& 1` on"],
    ["a bad loop", "{% for in var:a %}{% endfor %}", "not of the form for item in"],
    ["parentheses too deep", `{{${"(".repeat(60)}1${")".repeat(60)}}}`, "nested more than 50 deep"],
    ["blocks too deep", "{% if 1 %}".repeat(60), "nested more than 50 deep"],
  ];
  it.each(broken)("%s: nothing is evaluated", (_, source, error) => {
    const rendered = renderTemplate(source, VARIABLES);
    expect(rendered.text).toBe(source);
    expect(rendered.errors).toHaveLength(1);
    expect(rendered.errors[0]).toContain(error);
  });

  it.each([
    ["no value", "a\nb {{var:nobody}} c", "a\nb  c", "Line 2 `{{var:nobody}}` has no value, and no default."],
    ["no contact data", "{{data:first}}", "", "has no value, and no default"],
    ["an object", "{{var:order}}", "", "is a list or an object"],
    ["no number", "{{var:name * 2}}", "", "not a number"],
    ["by zero", "{{1 / var:zero}}{{1 mod 0}}", "", "divides by zero"],
    ["no list", "{% for x in var:name %}{{x}}{% endfor %}", "", "is not a list"],
    [
      "nothing of JavaScript's",
      "{{var:name.constructor}}{{var:__proto__}}{{var:order.toString}}",
      "",
      "has no value",
    ],
  ])("%s: the rest is evaluated", (_, source, text, error) => {
    const rendered = renderTemplate(source, VARIABLES);
    expect(rendered.text).toBe(text);
    expect(rendered.errors[0]).toContain(error);
  });

  it("bounds work, output and errors", () => {
    const many = { a: Array.from({ length: 1000 }, () => 1) };
    const loops = "{% for x in var:a %}{% for y in var:a %}x{% endfor %}{% endfor %}";
    expect(renderTemplate(loops, many).errors[0]).toContain("more than 200000 steps");
    const doubling = `{% set x = "ab" %}${"{% set x = x + x %}".repeat(40)}{{x}}`;
    expect(renderTemplate(doubling, {}).errors[0]).toContain("text that is too long");
    const long = { a: many.a, t: "x".repeat(100_000) };
    expect(renderTemplate("{% for x in var:a %}{{var:t}}{% endfor %}", long).errors[0]).toContain(
      "characters",
    );
    expect(renderTemplate("{{var:b}}".repeat(100), {}).errors).toHaveLength(20);
    expect(renderTemplate("{{".repeat(500_000), {}).text).toHaveLength(1_000_000);
  });
});

describe("URLTags", () => {
  const tags = "utm=a&b=c%20d";
  it.each([
    ["a bare link", '<a href="https://e.com">', '<a href="https://e.com?utm=a&amp;b=c%20d">'],
    [
      "one with a query",
      '<a href="https://e.com/?x=1">',
      '<a href="https://e.com/?x=1&amp;utm=a&amp;b=c%20d">',
    ],
    [
      "one with a fragment",
      "<a href='https://e.com/#top'>",
      "<a href='https://e.com/?utm=a&amp;b=c%20d#top'>",
    ],
    [
      "a query, an escaped & and a fragment",
      '<a href="https://e.com/?x=1&amp;y=&#50;#z">',
      '<a href="https://e.com/?x=1&amp;y=&#50;&amp;utm=a&amp;b=c%20d#z">',
    ],
    ["a query that is empty", '<a href="https://e.com/?">', '<a href="https://e.com/?utm=a&amp;b=c%20d">'],
    ["spaces around", '<a href=" https://e.com ">', '<a href=" https://e.com?utm=a&amp;b=c%20d ">'],
    ["without quotes", "<a href=https://e.com>x", "<a href=https://e.com?utm=a&amp;b=c%20d>x"],
    ["mail, anchors and relative ones", '<a href="mailto:a@e.com"><a href="#x"><a href="/y">', null],
    ["images", '<img src="https://e.com/a.png">', null],
    ["text", "<p>https://e.com</p>", null],
  ])("%s", (_, html, wanted) => {
    expect(addUrlTags(html, tags)).toBe(wanted ?? html);
    expect(addUrlTags(html, "")).toBe(html);
  });
});
