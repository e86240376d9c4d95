/** Reading Mailjet's template language: text, what is printed, and statements, as a tree. Pure, and linear in the text. */
import { TEMPLATE_DEPTH, TEMPLATE_EXPRESSION_CHARS } from "../../core/limits.ts";
import { beginning } from "../../core/text.ts";
import { type Expression, parseExpression, TemplateFault } from "./expression.ts";

/** Of a piece at fault, this much is quoted. */
const SHOWN = 80;

interface Branch {
  /** Null: else. */
  test: Expression | null;
  body: Node[];
}
export type Node =
  | { kind: "text"; text: string }
  | { kind: "print"; of: Expression; line: number; source: string }
  | { kind: "if"; branches: Branch[]; line: number }
  | { kind: "for"; name: string; of: Expression; body: Node[]; line: number; source: string }
  | { kind: "set"; name: string; to: Expression; line: number };

export const at = (line: number, message: string): string => `Line ${line} ${message}.`;

interface Open {
  into: Node[];
  block: Extract<Node, { kind: "if" | "for" }> | null;
}

/** Throws a TemplateFault with the line. */
export function parseTemplate(source: string): Node[] {
  const root: Node[] = [];
  const stack: Open[] = [{ into: root, block: null }];
  let line = 1;
  for (const piece of pieces(source)) {
    const top = stack.at(-1)!;
    if (piece.kind === "text") top.into.push(piece);
    else {
      const spelled = `\`${beginning(piece.source, SHOWN)}\``;
      try {
        if (piece.kind === "statement") statement(piece.inside.trim(), stack, line);
        else top.into.push({ kind: "print", of: parseExpression(piece.inside), line, source: spelled });
      } catch (cause) {
        throw cause instanceof TemplateFault
          ? new TemplateFault(at(line, `${spelled} ${cause.message}`))
          : cause;
      }
    }
    line += (piece.kind === "text" ? piece.text : piece.source).split("\n").length - 1;
  }
  const { block } = stack.at(-1)!;
  if (block !== null)
    throw new TemplateFault(at(block.line, `begins ${block.kind} without end${block.kind}`));
  return root;
}

type Piece = { kind: "text"; text: string } | { kind: "print" | "statement"; inside: string; source: string };

/** Text and what stands between delimiters. Linear: a closing delimiter is looked for once, however many open before it. */
function* pieces(source: string): Generator<Piece> {
  const closers = { "{{": -2, "{%": -2 };
  let from = 0;
  for (let open = source.indexOf("{"); open >= 0; open = source.indexOf("{", open)) {
    const opener = source.slice(open, open + 2);
    if (opener !== "{{" && opener !== "{%") {
      open++;
      continue;
    }
    if (closers[opener] !== -1 && closers[opener] < open + 2)
      closers[opener] = source.indexOf(opener === "{{" ? "}}" : "%}", open + 2);
    const close = closers[opener];
    if (close < 0 || close - open - 2 > TEMPLATE_EXPRESSION_CHARS) {
      open += 2;
      continue;
    }
    if (open > from) yield { kind: "text", text: source.slice(from, open) };
    from = close + 2;
    yield {
      kind: opener === "{{" ? "print" : "statement",
      inside: source.slice(open + 2, close),
      source: source.slice(open, from),
    };
    open = from;
  }
  if (from < source.length) yield { kind: "text", text: source.slice(from) };
}

function statement(text: string, stack: Open[], line: number): void {
  const [, word = "", rest = ""] = /^(\w*)\s*([\s\S]*)$/.exec(text) ?? [];
  const { into, block } = stack.at(-1)!;
  if (stack.length > TEMPLATE_DEPTH) throw new TemplateFault(`is nested more than ${TEMPLATE_DEPTH} deep`);
  const next = (test: Expression | null): void => {
    if (block?.kind !== "if") throw new TemplateFault("stands outside an if");
    if (block.branches.at(-1)!.test === null) throw new TemplateFault("stands after else");
    const branch: Branch = { test, body: [] };
    block.branches.push(branch);
    stack[stack.length - 1] = { into: branch.body, block };
  };
  switch (word.toLowerCase()) {
    case "if": {
      const branch: Branch = { test: parseExpression(rest), body: [] };
      const node = { kind: "if", branches: [branch], line } as const satisfies Node;
      into.push(node);
      stack.push({ into: branch.body, block: node });
      return;
    }
    case "elseif":
      next(parseExpression(rest));
      return;
    case "else":
      next(null);
      return;
    case "for": {
      const loop = /^([A-Za-z_]\w*)\s+in\s+([\s\S]+)$/.exec(rest);
      if (loop === null) throw new TemplateFault("is not of the form for item in var:items");
      const [, name, of] = loop as unknown as [string, string, string];
      const node = {
        kind: "for",
        name,
        of: parseExpression(of),
        body: [] as Node[],
        line,
        source: of.slice(0, 80),
      } as const satisfies Node;
      into.push(node);
      stack.push({ into: node.body, block: node });
      return;
    }
    case "set": {
      const set = /^([A-Za-z_]\w*)\s*=\s*([\s\S]+)$/.exec(rest);
      if (set === null) throw new TemplateFault("is not of the form set name = value");
      into.push({ kind: "set", name: set[1]!, to: parseExpression(set[2]!), line });
      return;
    }
    case "endif":
    case "endfor":
      if (block === null || `end${block.kind}` !== word.toLowerCase())
        throw new TemplateFault(`has no ${word.slice(3).toLowerCase()} to end`);
      stack.pop();
      return;
    default:
      throw new TemplateFault(
        `is no statement that is served here: if, elseif, else, endif, for, endfor, set`,
      );
  }
}
