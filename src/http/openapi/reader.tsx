/** The contract as a page to read: rendered here, one file, no script and nothing from elsewhere. */
import { raw } from "hono/html";
import type { JsonSchema } from "../../schema/json-schema.ts";
import { curlOf } from "./curl.ts";
import type { Document } from "./document.ts";
import { type Operation, TAGS, type Tag } from "./operation.ts";

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --text: #1c1c1a; --quiet: #62625c; --line: #deded9; --code: #f5f5f2;
  --get: #1f6f43; --post: #1f4fa3; --patch: #8a5a00; --put: #8a5a00; --delete: #a3261f; }
@media (prefers-color-scheme: dark) { :root { --page: #161615; --text: #ecece8; --quiet: #a3a39c; --line: #35352f;
  --code: #222220; --get: #6fcf97; --post: #86b1ff; --patch: #e6b450; --put: #e6b450; --delete: #ff8f87; } }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
.frame { max-width: 72rem; margin: 0 auto; padding: 1.5rem; display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 3rem; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: .5rem 0; font-size: .875rem; }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0; }
nav a { color: inherit; text-decoration: none; display: block; padding: .125rem 0; overflow-wrap: anywhere; }
nav a:hover, nav a:focus-visible { text-decoration: underline; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 3rem 0 .25rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 2rem 0 .25rem; font-weight: 600; overflow-wrap: anywhere; }
h4 { font-size: .8125rem; margin: 1rem 0 .25rem; color: var(--quiet); font-weight: 600; }
p { margin: .25rem 0; }
.quiet { color: var(--quiet); }
.method { font: 600 .8125rem/1 ui-monospace, monospace; text-transform: uppercase; }
.get { color: var(--get); } .post { color: var(--post); } .patch { color: var(--patch); } .put { color: var(--put); } .delete { color: var(--delete); }
code, pre { font: .8125rem/1.5 ui-monospace, monospace; }
pre { background: var(--code); padding: .75rem 1rem; border-radius: .5rem; overflow-x: auto; margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); font-size: .8125rem; }
@media (max-width: 48rem) { .frame { grid-template-columns: minmax(0, 1fr); gap: 1rem; padding: 1rem; }
  nav { position: static; max-height: none; } td:not(:first-child) { overflow-wrap: anywhere; } }
`;

interface Row {
  name: string;
  type: string;
  required: boolean;
  description: string;
}

/** `document` is what /openapi.json answers. */
export function readerPage(operations: readonly Operation[], document: Document, base: string): string {
  const { info, paths } = document as {
    info: { title: string; version: string; description: string };
    paths: Record<string, Record<string, OperationObject>>;
  };
  const tags = (Object.keys(TAGS) as Tag[]).filter((tag) => operations.some((one) => one.tag === tag));
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Postern API</title>
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <div class="frame">
          <nav aria-label="Routes">
            {tags.map((tag) => (
              <>
                <strong>{tag}</strong>
                <ul>
                  {operations
                    .filter((one) => one.tag === tag)
                    .map((one) => (
                      <li>
                        <a href={`#${one.id}`}>{withCode(one.summary)}</a>
                      </li>
                    ))}
                </ul>
              </>
            ))}
          </nav>
          <main>
            <h1>{info.title} API</h1>
            <p class="quiet">
              Version {info.version}, at {base}. The same as a document:{" "}
              <a href="/openapi.json">openapi.json</a>
            </p>
            <p>{withCode(info.description)}</p>
            <p>
              Each call carries <code>Authorization: Bearer KEY</code>, Mailjet's routes Basic authentication
              with the key as password, unless it says that no key is needed.
            </p>
            {tags.map((tag) => (
              <section>
                <h2>{tag}</h2>
                <p class="quiet">{TAGS[tag]}</p>
                {operations
                  .filter((one) => one.tag === tag)
                  .map((one) => entry(one, paths[one.path]![one.method]!, base))}
              </section>
            ))}
          </main>
        </div>
      </body>
    </html>
  );
  return `<!doctype html>${page}`;
}

interface OperationObject {
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: JsonSchema }[];
  requestBody?: { description?: string; content: Record<string, { schema: JsonSchema }> };
}

function entry(operation: Operation, object: OperationObject, base: string) {
  const { id, method, path, summary, description, access, answer } = operation;
  const parameters = (object.parameters ?? []).map(
    ({ name, in: where, required = false, description: says = "", schema }): Row => ({
      name,
      type: `${where}, ${typeOf(schema)}`,
      required,
      description: says,
    }),
  );
  const [media, body] = Object.entries(object.requestBody?.content ?? {})[0] ?? [];
  const fields = body === undefined ? [] : fieldsOf(body.schema);
  return (
    <article id={id}>
      <h3>
        <span class={`method ${method}`}>{method}</span> <code>{path}</code>
      </h3>
      <p>{withCode(summary)}.</p>
      {description === undefined ? null : <p class="quiet">{withCode(description)}</p>}
      <p class="quiet">
        {access === "anyone"
          ? "No key is needed."
          : access === "sending"
            ? "A key that may only send will do."
            : "A key of full access is needed."}
      </p>
      {parameters.length > 0 ? table("Parameters", parameters) : null}
      {fields.length > 0 ? table("Body", fields) : null}
      {fields.length === 0 && media !== undefined ? (
        <p>
          Body: <code>{media}</code>. {withCode(object.requestBody?.description ?? "")}
        </p>
      ) : null}
      <h4>Answer</h4>
      <p>
        <code>{answer.status}</code> {withCode(answer.description)}
      </p>
      <pre>
        <code>{curlOf(operation, base)}</code>
      </pre>
    </article>
  );
}

/** Descriptions are CommonMark in an OpenAPI document; of that, we write code between backticks and nothing else. */
const withCode = (text: string) =>
  text.split("`").map((part, i) => (i % 2 === 1 ? <code>{part}</code> : part));

const table = (title: string, rows: readonly Row[]) => (
  <>
    <h4>{title}</h4>
    <table>
      {rows.map(({ name, type, required, description }) => (
        <tr>
          <td>
            <code>{name}</code>
          </td>
          <td class="quiet">
            {type}
            {required ? ", required" : ""}
          </td>
          <td>{withCode(description)}</td>
        </tr>
      ))}
    </table>
  </>
);

/** Fields of an object, or of the objects in a list, one level deep: deeper ones are in the type. */
function fieldsOf(schema: JsonSchema): Row[] {
  const object = (schema.items ?? schema) as JsonSchema;
  const required = (object.required ?? []) as string[];
  return Object.entries((object.properties ?? {}) as Record<string, JsonSchema>).map(([name, one]) => ({
    name,
    type: typeOf(one),
    required: required.includes(name),
    description: String(one.description ?? ""),
  }));
}

/** A type in a few words: `text or list of text`, `{name, value}`. */
function typeOf(schema: JsonSchema): string {
  const options = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (options !== undefined) {
    const named = options.map(typeOf).filter((name) => name !== "nothing");
    return [...new Set(named)].join(" or ");
  }
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(" or ");
  const type = Array.isArray(schema.type) ? schema.type.filter((one) => one !== "null")[0] : schema.type;
  switch (type) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "true or false";
    case "null":
      return "nothing";
    case "array":
      return `list of ${typeOf((schema.items ?? {}) as JsonSchema)}`;
    case "object": {
      const names = Object.keys((schema.properties ?? {}) as object);
      return names.length === 0 ? "object" : `{${names.join(", ")}}`;
    }
    default:
      return "anything";
  }
}
