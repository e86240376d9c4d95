/** /templates: stored templates are made, listed, changed, published and copied. Shapes are Resend's. */
import { Hono } from "hono";
import { utf8 } from "../core/bytes.ts";
import type { Problem } from "../core/errors.ts";
import {
  REQUEST_TEMPLATE_BYTES,
  STORED_TEMPLATE_BYTES,
  TEMPLATE_NAME_CHARS,
  TEMPLATES_MAX,
} from "../core/limits.ts";
import { registryOf } from "../env.ts";
import type { Template, TemplateChange, TemplateHead } from "../registry/template-rpc.ts";
import { parse, unknownFields } from "../schema/parse.ts";
import { CreateTemplate, type TemplateContent, UpdateTemplate } from "../schema/template.ts";
import { readJson } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, unwrap } from "./errors.ts";
import { newId } from "./new-id.ts";
import { pageOf } from "./parameters.ts";
import { moment, momentOrNull } from "./shapes.ts";
import { forgetTemplates } from "./template-cache.ts";
import { nameUnknown } from "./unknown.ts";

export const templates = new Hono<AppEnv>();

templates.post("/templates", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, REQUEST_TEMPLATE_BYTES));
  const request = unwrap(parse(CreateTemplate, value));
  const now = Date.now();
  const id = newId(now);
  const content: TemplateContent = {
    subject: request.subject ?? null,
    from: request.from ?? null,
    reply_to: request.reply_to ?? [],
    html: request.html,
    text: request.text ?? null,
    variables: variablesOf(request, [], now),
  };
  if (!isStorable(content)) return fail(c, TOO_LONG);
  const change = await registryOf(c.env).createTemplate(
    { id, name: request.name, alias: request.alias ?? null, version: newId(now) },
    content,
  );
  nameUnknown(c, unknownFields(CreateTemplate, value));
  return changed(c, change, id, 201);
});

templates.get("/templates", async (c) => {
  const { rows, hasMore } = await registryOf(c.env).listTemplates(pageOf(c));
  return c.json({ object: "list", has_more: hasMore, data: rows.map(listItem) });
});

templates.get("/templates/:ref", async (c) => {
  const template = await registryOf(c.env).findTemplate(c.req.param("ref"));
  return template === null ? noSuchTemplate(c) : c.json(templateObject(template));
});

templates.patch("/templates/:ref", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, REQUEST_TEMPLATE_BYTES));
  const request = unwrap(parse(UpdateTemplate, value));
  const registry = registryOf(c.env);
  const before = await registry.findTemplate(c.req.param("ref"));
  if (before === null) return noSuchTemplate(c);
  const now = Date.now();
  const content: Partial<TemplateContent> = {};
  if (request.subject !== undefined) content.subject = request.subject;
  if (request.from !== undefined) content.from = request.from;
  if (request.reply_to !== undefined) content.reply_to = request.reply_to ?? [];
  if (request.html !== undefined) content.html = request.html;
  if (request.text !== undefined) content.text = request.text;
  if (request.variables !== undefined)
    content.variables = variablesOf(request, before.content.variables, now);
  if (!isStorable({ ...before.content, ...content })) return fail(c, TOO_LONG);
  const change = await registry.updateTemplate(before.id, {
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.alias === undefined ? {} : { alias: request.alias }),
    content,
    version: newId(now),
  });
  forgetTemplates();
  nameUnknown(c, unknownFields(UpdateTemplate, value));
  return changed(c, change, before.id, 200);
});

templates.delete("/templates/:ref", async (c) => {
  const removed = await registryOf(c.env).removeTemplate(c.req.param("ref"));
  forgetTemplates();
  return removed === null ? noSuchTemplate(c) : c.json({ object: "template", id: removed.id, deleted: true });
});

templates.post("/templates/:ref/publish", async (c) => {
  const published = await registryOf(c.env).publishTemplate(c.req.param("ref"));
  forgetTemplates();
  return published === null ? noSuchTemplate(c) : c.json({ object: "template", id: published.id });
});

/** A draft of its own, without the alias, which only one can have. */
templates.post("/templates/:ref/duplicate", async (c) => {
  const registry = registryOf(c.env);
  const template = await registry.findTemplate(c.req.param("ref"));
  if (template === null) return noSuchTemplate(c);
  const now = Date.now();
  const id = newId(now);
  const name = `${template.name.slice(0, TEMPLATE_NAME_CHARS - COPY.length)}${COPY}`;
  const change = await registry.createTemplate(
    { id, name, alias: null, version: newId(now) },
    template.content,
  );
  return changed(c, change, id, 201);
});
const COPY = " (copy)";

/** Whether one row holds it: html and text may have come one by one, and fallbacks are not among their characters. */
const isStorable = (content: TemplateContent): boolean =>
  utf8(JSON.stringify(content)).length <= STORED_TEMPLATE_BYTES;
const TOO_LONG: Problem = {
  kind: "invalid",
  issues: [
    {
      path: "html",
      message: `and text, subject and fallback values have more than ${STORED_TEMPLATE_BYTES} bytes together`,
    },
  ],
};

/** A variable that was there before keeps the time it was made. */
function variablesOf(
  { variables }: Pick<CreateTemplate, "variables">,
  before: TemplateContent["variables"],
  now: number,
): TemplateContent["variables"] {
  return (variables ?? []).map(({ key, type, fallback_value }) => ({
    key,
    type,
    fallback_value: fallback_value ?? null,
    created_at: before.find((other) => other.key === key)?.created_at ?? now,
    updated_at: now,
  }));
}

function changed(c: AppContext, change: TemplateChange, id: string, status: 200 | 201): Response {
  switch (change.kind) {
    case "done":
      return c.json({ object: "template", id }, status);
    case "unknown":
      return noSuchTemplate(c);
    case "taken":
      return fail(c, {
        kind: "invalid",
        issues: [{ path: "alias", message: `is that of template ${change.by}` }],
      });
    case "full":
      return fail(c, {
        kind: "invalid",
        issues: [{ path: "", message: `There are ${TEMPLATES_MAX} templates already; delete some first.` }],
      });
  }
}

const noSuchTemplate = (c: AppContext): Response =>
  fail(c, { kind: "not_found", message: "There is no template with this id or alias." });

const listItem = (head: TemplateHead) => ({
  id: head.id,
  name: head.name,
  status: head.published === null ? "draft" : "published",
  published_at: momentOrNull(head.publishedAt),
  created_at: moment(head.createdAt),
  updated_at: moment(head.updatedAt),
  alias: head.alias,
});

const templateObject = ({ content, ...head }: Template) => ({
  object: "template",
  ...listItem(head),
  subject: content.subject,
  from: content.from,
  reply_to: content.reply_to.length === 0 ? null : content.reply_to,
  html: content.html,
  text: content.text,
  variables: content.variables.map((variable) => ({
    ...variable,
    created_at: moment(variable.created_at),
    updated_at: moment(variable.updated_at),
  })),
  current_version_id: head.version,
  has_unpublished_versions: head.version !== head.published,
});
