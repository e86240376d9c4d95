/** Stored templates: the bodies of POST and PATCH /templates, and a template as it is kept. Shapes are Resend's. */
import { z } from "zod";
import {
  STORED_TEMPLATE_CHARS,
  SUBJECT_CHARS,
  TEMPLATE_ALIAS_CHARS,
  TEMPLATE_NAME_CHARS,
  TEMPLATE_VARIABLES,
  VARIABLE_CHARS,
} from "../core/limits.ts";
import { mailbox } from "./email.ts";
import type { VariableValue } from "./template-use.ts";
import { oneLine, wellFormed } from "./text.ts";

/** Types of variables. string, number and boolean are text to html; html goes into it as it is. Resend has the first two. */
export const VARIABLE_TYPES = ["string", "number", "boolean", "html"] as const;
export type VariableType = (typeof VARIABLE_TYPES)[number];

export interface TemplateVariable {
  key: string;
  type: VariableType;
  /** Null: each message must give a value. */
  fallback_value: VariableValue | null;
  /** Milliseconds since 1970. */
  created_at: number;
  updated_at: number;
}

/** What a version of a template says. `from` and `reply_to` as people write them. */
export interface TemplateContent {
  subject: string | null;
  from: string | null;
  reply_to: string[];
  html: string;
  text: string | null;
  variables: TemplateVariable[];
}

/** Whether a value is of a type; html is text. */
export const isOfType = (value: VariableValue, type: VariableType): boolean =>
  typeof value === (type === "html" ? "string" : type);

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,49}$/; // Resend's bound, and what a placeholder may be called.

const variable = z
  .object({
    key: z
      .string("must be text")
      .regex(KEY, "is not a key: up to 50 ASCII letters, digits and `_`, and no digit first"),
    type: z.enum(VARIABLE_TYPES, `must be ${VARIABLE_TYPES.map((type) => `\`${type}\``).join(", ")}`),
    /** Absent: each message must give a value. */
    fallback_value: z
      .union(
        [z.string().max(VARIABLE_CHARS), z.number(), z.boolean()],
        `must be of the variable's type, and at most ${VARIABLE_CHARS} characters`,
      )
      .nullish(),
  })
  .superRefine(({ type, fallback_value }, ctx) => {
    if (fallback_value != null && !isOfType(fallback_value, type))
      ctx.addIssue({ code: "custom", path: ["fallback_value"], message: `is not of the type \`${type}\`` });
  });

/** Addresses are checked now and kept as written. */
const address = z.string("must be an address").superRefine((text, ctx) => {
  const parsed = mailbox.safeParse(text);
  for (const { message } of parsed.error?.issues ?? []) ctx.addIssue({ code: "custom", message });
});
const addresses = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z.array(address, "must be an address or a list of addresses").max(50, "has more than 50 addresses"),
);

const fields = {
  name: z
    .string("must be text")
    .trim()
    .min(1, "is empty: a name by which you will know it again")
    .max(TEMPLATE_NAME_CHARS, `is longer than ${TEMPLATE_NAME_CHARS} characters`),
  /** Another name to send by. Absent: only its id. */
  alias: z
    .string("must be text")
    .regex(
      new RegExp(`^(?![0-9a-f]{8}-[0-9a-f]{4}-)[A-Za-z0-9][A-Za-z0-9_-]{0,${TEMPLATE_ALIAS_CHARS - 1}}$`),
      `is not an alias: up to ${TEMPLATE_ALIAS_CHARS} ASCII letters, digits, \`-\` and \`_\`, and not like an id`,
    )
    .nullish(),
  /** Absent: each message must bring one. */
  subject: oneLine("the subject", SUBJECT_CHARS).nullish(),
  /** Absent: each message must bring one. */
  from: address.nullish(),
  reply_to: addresses.nullish(),
  html: wellFormed("the html part").min(1, "is empty"),
  /** Absent: made from the html. */
  text: wellFormed("the text part").nullish(),
  variables: z
    .array(variable, "must be a list of {key, type, fallback_value}")
    .max(TEMPLATE_VARIABLES, `has more than ${TEMPLATE_VARIABLES} variables`)
    .superRefine((list, ctx) => {
      for (const [i, { key }] of list.entries())
        if (list.findIndex((other) => other.key === key) < i)
          ctx.addIssue({ code: "custom", path: [i, "key"], message: "is there twice" });
    })
    .nullish(),
};

const fits = ({
  html,
  text,
  subject,
}: {
  html?: string | undefined;
  text?: string | null | undefined;
  subject?: string | null | undefined;
}) => (html ?? "").length + (text ?? "").length + (subject ?? "").length <= STORED_TEMPLATE_CHARS;
const TOO_LONG = {
  path: ["html"],
  message: `and text have more than ${STORED_TEMPLATE_CHARS} characters together`,
};

export const CreateTemplate = z.object(fields).refine(fits, TOO_LONG);
export type CreateTemplate = z.output<typeof CreateTemplate>;

/** What is absent stays as it is. */
export const UpdateTemplate = z
  .object({ ...fields, name: fields.name.optional(), html: fields.html.optional() })
  .refine(fits, TOO_LONG);
export type UpdateTemplate = z.output<typeof UpdateTemplate>;
