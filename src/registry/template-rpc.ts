/** What other rooms may ask of the registry about stored templates. Times in milliseconds since 1970. */
import type { TemplateContent } from "../schema/template.ts";

/** A template without what it says. */
export interface TemplateHead {
  id: string;
  name: string;
  alias: string | null;
  createdAt: number;
  updatedAt: number;
  /** When it was last published; null: never, it cannot be sent. */
  publishedAt: number | null;
  /** Of the newest version. */
  version: string;
  /** Of the one that is sent; null: never published. */
  published: string | null;
}

/** With what its newest version says. */
export interface Template extends TemplateHead {
  content: TemplateContent;
}

/** What came of a change. `taken`: the alias is another template's, whose id it is. */
export type TemplateChange =
  | { kind: "done" }
  | { kind: "unknown" }
  | { kind: "taken"; by: string }
  | { kind: "full" };

/** What a message is made of: the published version. `draft`: there is none yet. */
export type Sendable =
  | { kind: "published"; id: string; version: string; content: TemplateContent }
  | { kind: "draft"; id: string }
  | { kind: "unknown" };

export interface TemplateRpc {
  createTemplate(
    head: Pick<TemplateHead, "id" | "name" | "alias" | "version">,
    content: TemplateContent,
  ): Promise<TemplateChange>;
  /** Changes name and alias at once; content becomes a new version, which is sent once it is published. `ref`: id or alias. */
  updateTemplate(
    ref: string,
    change: { name?: string; alias?: string | null; content?: Partial<TemplateContent>; version: string },
  ): Promise<TemplateChange>;
  findTemplate(ref: string): Promise<Template | null>;
  /** Newest first. `after` and `before` are ids. */
  listTemplates(page: {
    limit: number;
    after: string | null;
    before: string | null;
  }): Promise<{ rows: TemplateHead[]; hasMore: boolean }>;
  publishTemplate(ref: string): Promise<TemplateHead | null>;
  removeTemplate(ref: string): Promise<TemplateHead | null>;
  sendableTemplate(ref: string): Promise<Sendable>;
}
