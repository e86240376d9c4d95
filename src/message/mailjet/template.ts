/**
 * Mailjet's template language, its basics: `{{var:name}}`, `{{var:name:"default"}}`, `{{data:name:"default"}}`, expressions,
 * and the statements if, elseif, else, for and set. Functions and contact data are not served. Pure and bounded: so
 * many pieces, so much output, so deep.
 *
 * Values go into html as they are. That is the language's contract: applications pass markup in variables, and escape
 * themselves what their own users wrote.
 */
import { TEMPLATE_CHARS, TEMPLATE_ERRORS, TEMPLATE_OUTPUT_CHARS, TEMPLATE_STEPS } from "../../core/limits.ts";
import { type Expression, evaluate, type Names, TemplateFault } from "./expression.ts";
import { at, type Node, parseTemplate } from "./parse.ts";
import { isList, isTrue, textOfValue, type Value } from "./value.ts";

export interface Rendered {
  /** The source itself when it cannot be parsed; otherwise with nothing in place of what failed. */
  text: string;
  /** Sentences for the sender; empty when all went well. */
  errors: string[];
}

/** A part with its language evaluated over the message's variables. `bare`: `{{name}}` is taken for `{{var:name}}`. */
export function renderTemplate(source: string, variables: Record<string, unknown>, bare = false): Rendered {
  if (!source.includes("{{") && !source.includes("{%")) return { text: source, errors: [] };
  if (source.length > TEMPLATE_CHARS)
    return { text: source, errors: [`It is longer than ${TEMPLATE_CHARS} characters.`] };
  let nodes: Node[];
  try {
    nodes = parseTemplate(source);
  } catch (cause) {
    if (cause instanceof TemplateFault) return { text: source, errors: [cause.message] };
    throw cause;
  }
  const writer = new Writer({ var: variables, locals: new Map(bare ? Object.entries(variables) : []) });
  try {
    writer.all(nodes);
  } catch (cause) {
    if (!(cause instanceof TemplateFault)) throw cause;
    writer.errors.push(cause.message);
  }
  return { text: writer.finish(), errors: writer.errors };
}

class Writer {
  readonly errors: string[] = [];
  readonly #names: Names & { locals: Map<string, Value> };
  readonly #out: string[] = [];
  #chars = 0;
  #steps = 0;

  constructor(names: Names & { locals: Map<string, Value> }) {
    this.#names = names;
  }

  finish(): string {
    return this.#out.join("");
  }

  /** Throws a TemplateFault when a bound is reached; a fault of one piece is noted, and the rest goes on. */
  all(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (++this.#steps > TEMPLATE_STEPS)
        throw new TemplateFault(`It takes more than ${TEMPLATE_STEPS} steps.`);
      if (node.kind === "text") this.#write(node.text);
      else this.#piece(node);
    }
  }

  #piece(node: Exclude<Node, { kind: "text" }>): void {
    switch (node.kind) {
      case "print":
        this.#print(node);
        return;
      case "if": {
        const branch = node.branches.find(
          ({ test }) => test === null || this.#value(test, node.line, isTrue) === true,
        );
        if (branch !== undefined) this.all(branch.body);
        return;
      }
      case "for":
        this.#loop(node);
        return;
      case "set":
        this.#value(node.to, node.line, (value) => this.#names.locals.set(node.name, value));
    }
  }

  #print({ of, line, source }: Extract<Node, { kind: "print" }>): void {
    this.#value(of, line, (value) => {
      const text = textOfValue(value);
      if (text !== null) this.#write(text);
      else if (value === undefined || value === null)
        this.#fault(line, `${source} has no value, and no default`);
      else this.#fault(line, `${source} is a list or an object, which cannot be printed`);
    });
  }

  #loop({ name, of, body, line, source }: Extract<Node, { kind: "for" }>): void {
    const list = this.#value(of, line, (value) => value);
    // Nothing to go through is no fault: an empty cart is a cart.
    if (list === undefined || list === null) return;
    if (!isList(list)) {
      this.#fault(line, `\`${source}\` is not a list, and for goes through lists`);
      return;
    }
    const { locals } = this.#names;
    const before = locals.get(name);
    for (const item of list) {
      locals.set(name, item);
      this.all(body);
    }
    if (before === undefined) locals.delete(name);
    else locals.set(name, before);
  }

  #value<T>(expression: Expression, line: number, then: (value: Value) => T): T | undefined {
    let value: Value;
    try {
      value = evaluate(expression, this.#names);
    } catch (cause) {
      if (!(cause instanceof TemplateFault)) throw cause;
      this.#fault(line, cause.message);
      return undefined;
    }
    return then(value);
  }

  #fault(line: number, message: string): void {
    if (this.errors.length < TEMPLATE_ERRORS) this.errors.push(at(line, message));
  }

  #write(text: string): void {
    this.#chars += text.length;
    if (this.#chars > TEMPLATE_OUTPUT_CHARS)
      throw new TemplateFault(`It makes more than ${TEMPLATE_OUTPUT_CHARS} characters.`);
    this.#out.push(text);
  }
}
