/** The contract of stored templates. */
import { CreateTemplate, UpdateTemplate } from "../../schema/template.ts";
import type { Operation } from "./operation.ts";
import { PAGING } from "./paging.ts";

/** Every path takes an id or an alias. */
const path = { ref: "$template" };

export const TEMPLATES: Operation[] = [
  {
    method: "post",
    path: "/templates",
    id: "createTemplate",
    tag: "Templates",
    summary: "Keep a template, as a draft",
    body: CreateTemplate,
    answer: { status: 201, description: "`{object: template, id}`." },
    example: {
      body: {
        name: "Order confirmation",
        subject: "Order {{{PRODUCT}}}",
        html: "<p>{{{PRODUCT}}} for {{{PRICE}}}</p>",
        variables: [
          { key: "PRODUCT", type: "string", fallback_value: "item" },
          { key: "PRICE", type: "number" },
        ],
      },
      status: 201,
    },
  },
  {
    method: "get",
    path: "/templates",
    id: "listTemplates",
    tag: "Templates",
    summary: "Templates, the newest first",
    parameters: PAGING,
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { status: 200 },
  },
  {
    method: "get",
    path: "/templates/{ref}",
    id: "getTemplate",
    tag: "Templates",
    summary: "One template by id or alias, with what its newest version says",
    answer: { status: 200, description: "The template." },
    example: { path, status: 200 },
  },
  {
    method: "patch",
    path: "/templates/{ref}",
    id: "updateTemplate",
    tag: "Templates",
    summary: "Change a template; what is sent stays as it is until the change is published",
    body: UpdateTemplate,
    answer: { status: 200, description: "`{object: template, id}`." },
    example: { path, body: { subject: "Your order: {{{PRODUCT}}}" }, status: 200 },
  },
  {
    method: "delete",
    path: "/templates/{ref}",
    id: "deleteTemplate",
    tag: "Templates",
    summary: "Forget a template",
    answer: { status: 200, description: "`{object: template, id, deleted: true}`." },
    example: { path, status: 200 },
  },
  {
    method: "post",
    path: "/templates/{ref}/publish",
    id: "publishTemplate",
    tag: "Templates",
    summary: "Let messages be made of the newest version",
    answer: { status: 200, description: "`{object: template, id}`." },
    example: { path, status: 200 },
  },
  {
    method: "post",
    path: "/templates/{ref}/duplicate",
    id: "duplicateTemplate",
    tag: "Templates",
    summary: "Make a draft with the same content",
    answer: { status: 201, description: "`{object: template, id}` of the copy." },
    example: { path, status: 201 },
  },
];
