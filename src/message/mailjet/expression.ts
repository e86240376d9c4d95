/**
 * Expressions of Mailjet's template language: `var:order.total * 2 >= 10 and not var:paid`. Parsed once, evaluated by
 * walking; nothing is compiled, since Workers forbid making code. Pure.
 */
import { TEMPLATE_DEPTH, TEMPLATE_OUTPUT_CHARS } from "../../core/limits.ts";
import { compare, isTrue, memberOf, numberOfValue, textOfValue, type Value } from "./value.ts";

/** A fault in a template, told to the sender. */
export class TemplateFault extends Error {}

/** Where names lead. Undefined: nowhere. */
export interface Names {
  var: Value;
  /** Loop variables and what `set` has set. */
  locals: ReadonlyMap<string, Value>;
}

type Path = readonly (string | number)[];
export type Expression =
  | { kind: "literal"; value: Value }
  /** `var:a.b[0]` and `data:a`; without a space it is a local. `fallback`: what stands behind a second colon. */
  | { kind: "name"; space: string | null; path: Path; spelled: string; fallback: Expression | null }
  | { kind: "not" | "minus"; of: Expression }
  | { kind: "binary"; operator: string; left: Expression; right: Expression };

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(===|==|!=|<>|>=|<=|[()[\].:+*/=<>-]))/y;

/** Weakest first; operators of one level go from left to right. */
const LEVELS: readonly (readonly string[])[] = [
  ["or", "xor"],
  ["and"],
  ["=", "==", "===", "!=", "<>", "<", ">", "<=", ">="],
  ["+", "-"],
  ["*", "/", "div", "mod"],
];
const COMPARISON = 2;
const WORDS = new Set(["and", "or", "xor", "not", "div", "mod", "true", "false", "in"]);

interface Token {
  kind: "text" | "number" | "word" | "sign";
  text: string;
  /** No white space before it. */
  close: boolean;
}

function tokens(source: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (source.slice(TOKEN.lastIndex).trim() !== "") {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null)
      throw new TemplateFault(`cannot be read from \`${source.slice(from).trim().slice(0, 40)}\` on`);
    const [whole, text, number, word, sign] = match;
    const close = !/^\s/.test(whole);
    if (text !== undefined)
      found.push({ kind: "text", text: text.slice(1, -1).replace(/\\(.)/gs, "$1"), close });
    else if (number !== undefined) found.push({ kind: "number", text: number, close });
    else if (word !== undefined) found.push({ kind: "word", text: word, close });
    else found.push({ kind: "sign", text: sign!, close });
  }
  return found;
}

export function parseExpression(source: string): Expression {
  const reader = new Reader(tokens(source));
  const expression = reader.level(0, 0);
  reader.end();
  return expression;
}

class Reader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(list: readonly Token[]) {
    this.#tokens = list;
  }

  end(): void {
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new TemplateFault(`has \`${rest.text}\` where it should end`);
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === "text" || token.text !== text) return false;
    this.#at++;
    return true;
  }

  level(level: number, depth: number): Expression {
    if (depth > TEMPLATE_DEPTH) throw new TemplateFault(`is nested more than ${TEMPLATE_DEPTH} deep`);
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary(depth);
    let left =
      level === COMPARISON && this.#take("not") ? this.#not(level, depth) : this.level(level + 1, depth);
    for (;;) {
      const operator = operators.find((one) => this.#take(one));
      if (operator === undefined) return left;
      left = { kind: "binary", operator, left, right: this.level(level + 1, depth) };
    }
  }

  #not(level: number, depth: number): Expression {
    return { kind: "not", of: this.level(level, depth + 1) };
  }

  #unary(depth: number): Expression {
    if (this.#take("-")) return { kind: "minus", of: this.#primary(depth) };
    return this.#primary(depth);
  }

  #primary(depth: number): Expression {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new TemplateFault("ends where a value should stand");
    if (token.kind === "text") return { kind: "literal", value: token.text };
    if (token.kind === "number") return { kind: "literal", value: Number(token.text) };
    if (token.text === "(" && token.kind === "sign") {
      const inner = this.level(0, depth + 1);
      if (!this.#take(")")) throw new TemplateFault("has a ( that is not closed");
      return inner;
    }
    if (token.kind === "word") {
      const lower = token.text.toLowerCase();
      if (lower === "not") return this.#not(COMPARISON, depth);
      if (lower === "true" || lower === "false") return { kind: "literal", value: lower === "true" };
      if (!WORDS.has(lower)) return this.#name(token.text, depth);
    }
    throw new TemplateFault(`has \`${token.text}\` where a value should stand`);
  }

  #name(first: string, depth: number): Expression {
    const spaced = this.#tokens[this.#at]?.text === ":" && /^(var|data|mj|segmentation)$/i.test(first);
    let name = first;
    if (spaced) {
      this.#at++;
      name = this.#word();
    } else if (this.#tokens[this.#at]?.text === "(" && this.#tokens[this.#at]!.close)
      throw new TemplateFault(`calls ${first}(), and functions are not served here`);
    const path: (string | number)[] = [name];
    for (;;) {
      if (this.#take(".")) path.push(this.#word());
      else if (this.#take("[")) path.push(this.#position());
      else break;
    }
    const spelled = `${spaced ? `${first}:` : ""}${path.join(".")}`;
    const fallback = this.#take(":") ? this.#primary(depth + 1) : null;
    return { kind: "name", space: spaced ? first.toLowerCase() : null, path, spelled, fallback };
  }

  #word(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined || (token.kind !== "word" && token.kind !== "number"))
      throw new TemplateFault("has no name where one should stand");
    return token.text;
  }

  #position(): number | string {
    const token = this.#tokens[this.#at++];
    if (token === undefined || (token.kind !== "number" && token.kind !== "text") || !this.#take("]"))
      throw new TemplateFault("has something other than a position between [ and ]");
    return token.kind === "number" ? Number(token.text) : token.text;
  }
}

/** The value; undefined when it is a name that leads nowhere and has no fallback. */
export function evaluate(expression: Expression, names: Names): Value {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "name":
      return resolve(expression, names);
    case "not":
      return !isTrue(evaluate(expression.of, names));
    case "minus":
      return -arithmetic(evaluate(expression.of, names));
    case "binary":
      return combine(expression, names);
  }
}

function resolve(name: Extract<Expression, { kind: "name" }>, names: Names): Value {
  const [first, ...rest] = name.path as [string, ...(string | number)[]];
  const found =
    name.space === "var"
      ? name.path.reduce<Value>(memberOf, names.var)
      : name.space === null
        ? rest.reduce<Value>(memberOf, names.locals.get(first))
        : undefined; // Contacts, senders and segments are not kept here: only a fallback can stand for them.
  if (found !== undefined && found !== null) return found;
  return name.fallback === null ? undefined : evaluate(name.fallback, names);
}

function arithmetic(value: Value): number {
  const number = numberOfValue(value);
  if (number === null) throw new TemplateFault("calculates with something that is not a number");
  return number;
}

function combine({ operator, left, right }: Extract<Expression, { kind: "binary" }>, names: Names): Value {
  const a = evaluate(left, names);
  if (operator === "and") return isTrue(a) && isTrue(evaluate(right, names));
  if (operator === "or") return isTrue(a) || isTrue(evaluate(right, names));
  const b = evaluate(right, names);
  if (operator === "xor") return isTrue(a) !== isTrue(b);
  if (operator === "+" && (numberOfValue(a) === null || numberOfValue(b) === null)) {
    const [x, y] = [textOfValue(a), textOfValue(b)];
    if (x === null || y === null) throw new TemplateFault("adds something that is neither a number nor text");
    // Doubling in a loop would reach the engine's own bound, which is a crash.
    if (x.length + y.length > TEMPLATE_OUTPUT_CHARS) throw new TemplateFault("makes a text that is too long");
    return x + y;
  }
  switch (operator) {
    case "+":
      return arithmetic(a) + arithmetic(b);
    case "-":
      return arithmetic(a) - arithmetic(b);
    case "*":
      return arithmetic(a) * arithmetic(b);
    case "/":
    case "div":
    case "mod":
      return divide(operator, arithmetic(a), arithmetic(b));
    default:
      return holds(operator, compare(a, b));
  }
}

function divide(operator: string, a: number, b: number): number {
  if (b === 0) throw new TemplateFault("divides by zero");
  return operator === "/" ? a / b : operator === "div" ? Math.trunc(a / b) : a % b;
}

function holds(operator: string, order: number | null): boolean {
  switch (operator) {
    case "!=":
    case "<>":
      return order !== 0;
    case "<":
      return order !== null && order < 0;
    case ">":
      return order !== null && order > 0;
    case "<=":
      return order !== null && order <= 0;
    case ">=":
      return order !== null && order >= 0;
    default:
      return order === 0;
  }
}
