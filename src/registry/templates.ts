/**
 * Stored templates in the registry's SQLite. A template has at most two versions: the newest, and the published one, which
 * messages are made of. Versions have rows of their own, since one row holds 2 MB.
 */
import { TEMPLATES_MAX } from "../core/limits.ts";
import type { TemplateContent } from "../schema/template.ts";
import type { Sendable, Template, TemplateChange, TemplateHead, TemplateRpc } from "./template-rpc.ts";

type Row = {
  id: string;
  name: string;
  alias: string | null;
  version: string;
  published: string | null;
  created_at: number;
  updated_at: number;
  published_at: number | null;
};

const COLUMNS = "id, name, alias, version, published, created_at, updated_at, published_at";

type Args<Name extends keyof TemplateRpc> = Parameters<TemplateRpc[Name]>;

export class Templates {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS template (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, alias TEXT UNIQUE, version TEXT NOT NULL, published TEXT,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, published_at INTEGER)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS template_version (
      id TEXT PRIMARY KEY, template TEXT NOT NULL, content TEXT NOT NULL)`);
    sql.exec("CREATE INDEX IF NOT EXISTS template_versions ON template_version (template)");
  }

  create([head, content]: Args<"createTemplate">, now: number): TemplateChange {
    const { n } = this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM template").one();
    if (n >= TEMPLATES_MAX) return { kind: "full" };
    const taken = this.#takenBy(head.alias, head.id);
    if (taken !== null) return { kind: "taken", by: taken };
    this.#sql.exec(
      "INSERT INTO template (id, name, alias, version, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
      head.id,
      head.name,
      head.alias,
      head.version,
      now,
    );
    this.#write(head.version, head.id, content);
    return { kind: "done" };
  }

  update([ref, { name, alias, content, version }]: Args<"updateTemplate">, now: number): TemplateChange {
    const before = this.find(ref);
    if (before === null) return { kind: "unknown" };
    const taken = this.#takenBy(alias ?? null, before.id);
    if (taken !== null) return { kind: "taken", by: taken };
    this.#sql.exec(
      "UPDATE template SET name = ?, alias = ?, updated_at = ? WHERE id = ?",
      name ?? before.name,
      alias === undefined ? before.alias : alias,
      now,
      before.id,
    );
    if (content === undefined || Object.keys(content).length === 0) return { kind: "done" };
    this.#write(version, before.id, { ...before.content, ...content });
    this.#sql.exec("UPDATE template SET version = ? WHERE id = ?", version, before.id);
    this.#forgetOld(before.id);
    return { kind: "done" };
  }

  find(ref: string): Template | null {
    const row = this.#row(ref);
    return row === null ? null : { ...headOf(row), content: this.#read(row.version) };
  }

  list([{ limit, after, before }]: Args<"listTemplates">): { rows: TemplateHead[]; hasMore: boolean } {
    const rows = this.#sql
      .exec<Row>(
        `SELECT ${COLUMNS} FROM template WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR id > ?2)
         ORDER BY id ${before === null ? "DESC" : "ASC"} LIMIT ?3`,
        after,
        before,
        limit + 1,
      )
      .toArray();
    const page = rows.slice(0, limit).map(headOf);
    return { rows: before === null ? page : page.reverse(), hasMore: rows.length > limit };
  }

  publish(ref: string, now: number): TemplateHead | null {
    const row = this.#row(ref);
    if (row === null) return null;
    this.#sql.exec("UPDATE template SET published = version, published_at = ? WHERE id = ?", now, row.id);
    this.#forgetOld(row.id);
    return headOf(this.#row(row.id)!);
  }

  remove(ref: string): TemplateHead | null {
    const row = this.#row(ref);
    if (row === null) return null;
    this.#sql.exec("DELETE FROM template_version WHERE template = ?", row.id);
    this.#sql.exec("DELETE FROM template WHERE id = ?", row.id);
    return headOf(row);
  }

  sendable(ref: string): Sendable {
    const row = this.#row(ref);
    if (row === null) return { kind: "unknown" };
    if (row.published === null) return { kind: "draft", id: row.id };
    return { kind: "published", id: row.id, version: row.published, content: this.#read(row.published) };
  }

  /** By id, else by alias: an alias never looks like an id. */
  #row(ref: string): Row | null {
    const [row] = this.#sql
      .exec<Row>(`SELECT ${COLUMNS} FROM template WHERE id = lower(?1) OR alias = ?1`, ref)
      .toArray();
    return row ?? null;
  }

  #takenBy(alias: string | null, id: string): string | null {
    if (alias === null) return null;
    const [row] = this.#sql
      .exec<{ id: string }>("SELECT id FROM template WHERE alias = ? AND id <> ?", alias, id)
      .toArray();
    return row?.id ?? null;
  }

  #read(version: string): TemplateContent {
    const { content } = this.#sql
      .exec<{ content: string }>("SELECT content FROM template_version WHERE id = ?", version)
      .one();
    return JSON.parse(content) as TemplateContent;
  }

  #write(version: string, template: string, content: TemplateContent): void {
    this.#sql.exec(
      "INSERT INTO template_version (id, template, content) VALUES (?, ?, ?)",
      version,
      template,
      JSON.stringify(content),
    );
  }

  /** Versions that are neither the newest nor the published one. */
  #forgetOld(template: string): void {
    this.#sql.exec(
      `DELETE FROM template_version WHERE template = ?1
       AND id NOT IN (SELECT version FROM template WHERE id = ?1 UNION SELECT published FROM template WHERE id = ?1 AND published IS NOT NULL)`,
      template,
    );
  }
}

const headOf = (row: Row): TemplateHead => ({
  id: row.id,
  name: row.name,
  alias: row.alias,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  publishedAt: row.published_at,
  version: row.version,
  published: row.published,
});
