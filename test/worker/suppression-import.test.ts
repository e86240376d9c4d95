/** Whole lists in and out, and Resend's own SDK. */
import { Resend } from "resend";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IMPORT_PROGRESS_ROWS } from "../../src/core/limits.ts";
import { call, KEY, someone, worker } from "../support/api.ts";

const upload = (body: BodyInit, headers: Record<string, string> = {}) =>
  worker().fetch("https://mail.example.com/suppressions/import", {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "text/csv", ...headers },
    body,
  });
const NDJSON = { accept: "application/x-ndjson" };
const linesOf = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("an import", () => {
  it("says what it added, what was there, and which lines are wrong", async () => {
    const [a, b] = [someone(), someone()];
    await call("POST", "/suppressions", { email: b });
    const response = await upload(`email,topic\n${a}\nnobody\n${b}\n${a},news\n${a}\n`);
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        object: "suppression_import",
        rows: 5,
        added: 2,
        already: 2,
        invalid_total: 1,
        invalid: [{ line: 3, reason: "the address is not an address: it has no @" }],
      },
    ]);
    expect((await call("GET", `/suppressions/${a}?topic=news`)).body).toMatchObject({ topic: "news" });
  });

  it("reports progress and ends with the summary when asked for NDJSON; again it adds nothing", async () => {
    const run = Date.now();
    const count = 2 * IMPORT_PROGRESS_ROWS + 10;
    const file = Array.from({ length: count }, (_, i) => `import-${run}-${i}@example.net\n`).join("");
    const response = await upload(file, NDJSON);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = await linesOf(response);
    expect(lines.map(({ object, rows, added }) => [object, rows, added])).toEqual([
      ["suppression_import_progress", IMPORT_PROGRESS_ROWS, IMPORT_PROGRESS_ROWS],
      ["suppression_import_progress", 2 * IMPORT_PROGRESS_ROWS, 2 * IMPORT_PROGRESS_ROWS],
      ["suppression_import", count, count],
    ]);
    expect((await linesOf(await upload(file, NDJSON))).at(-1)).toMatchObject({ added: 0, already: count });
  });

  it.each([
    ["nothing", "", "empty"],
    ["no list", "name,phone\nAda,1\n", "first row"],
    ["an open quotation mark", '"a@example.net\n', "Nothing was taken"],
  ])("of %s is refused", async (_, file, word) => {
    const plain = await upload(file);
    expect(plain.status).toBe(422);
    expect(((await plain.json()) as { message: string }).message).toContain(word);
    const last = (await linesOf(await upload(file, NDJSON))).at(-1);
    expect(last).toMatchObject({ object: "error", statusCode: 422, message: expect.stringContaining(word) });
  });

  it("that breaks off says how far it came", async () => {
    const a = someone();
    const response = await upload(`${a}\n"open\n`);
    const { message } = (await response.json()) as { message: string };
    expect(message).toMatch(/^Line 2: .* The 1 rows before it were read and 1 added/);
    expect((await call("GET", `/suppressions/${a}`)).status).toBe(200);
  });

  it("is not taken as JSON, nor without a key", async () => {
    expect((await upload("[]", { "content-type": "application/json" })).status).toBe(422);
    expect((await upload("a@example.net", { authorization: "Bearer x" })).status).toBe(403);
  });
});

describe("an export", () => {
  it("holds every entry of the filter, streams, and can be imported again", async () => {
    const topic = `export-${Date.now()}`;
    const emails = Array.from({ length: 2_345 }, (_, i) => `${i % 2 ? "=" : ""}e${i}-${topic}@example.net`);
    await upload(`email,topic,reason\n${emails.map((email) => `${email},${topic},"a, ""b"""\n`).join("")}`);
    const response = await worker().fetch(`https://mail.example.com/suppressions/export?topic=${topic}`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    expect(response.headers.get("content-type")).toContain("text/csv");
    expect(response.headers.get("content-disposition")).toContain("suppressions.csv");
    const text = await response.text();
    const [header, ...lines] = text.trimEnd().split("\r\n");
    expect(header).toBe("email,topic,origin,category,reason,source_id,created_at,expires_at");
    expect(lines.map((line) => line.split(",")[0]!.replace("'", "")).sort()).toEqual([...emails].sort());
    expect(lines.find((line) => line.startsWith("'=e1-"))).toMatch(
      /^'=e1-.*,manual,manual,"a, ""b""",,20\d\d-.*Z,$/,
    );
    await call("POST", "/suppressions/batch/remove", { emails: emails.slice(0, 100), topic });
    expect(await (await upload(text)).json()).toMatchObject({ added: 100, already: 2_245, invalid_total: 0 });
  });

  it("of nothing is a header", async () => {
    const { body } = await call("GET", "/suppressions/export?topic=none-such");
    expect(body).toBe("email,topic,origin,category,reason,source_id,created_at,expires_at\r\n");
    expect((await call("GET", "/suppressions/export?origin=x")).status).toBe(422);
  });
});

describe("Resend's SDK", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("adds, gets, lists and removes, one and many", async () => {
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => worker().fetch(url, init));
    const { suppressions } = new Resend(KEY, { baseUrl: "https://mail.example.com" });
    const [one, two, three] = [someone("sdk+tag"), someone("sdk"), someone("sdk")];
    const added = await suppressions.add({ email: one });
    expect(added).toMatchObject({ error: null, data: { object: "suppression", id: expect.any(String) } });
    expect((await suppressions.get(one)).data).toMatchObject({
      object: "suppression",
      id: added.data!.id,
      email: one,
      origin: "manual",
      source_id: null,
    });
    const listed = await suppressions.list({ limit: 1, origin: "manual" });
    expect(listed.data).toMatchObject({ object: "list", has_more: true, data: [{ email: one }] });
    const many = await suppressions.batch.add({ emails: [two, three] });
    expect(many.data!.data).toHaveLength(2);
    const ids = many.data!.data.map(({ id }) => id);
    expect((await suppressions.list({ after: ids[0]!, limit: 1 })).error).toBeNull();
    expect((await suppressions.batch.remove({ ids })).data!.data).toEqual(
      expect.arrayContaining(ids.map((id) => ({ object: "suppression", id, deleted: true }))),
    );
    expect((await suppressions.remove(one)).data).toEqual({
      object: "suppression",
      id: added.data!.id,
      deleted: true,
    });
    expect((await suppressions.get(added.data!.id)).error).toMatchObject({
      name: "not_found",
      statusCode: 404,
    });
  });
});
