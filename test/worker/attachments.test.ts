/** Attachments by address: fetched with a bound on everything, and never from where callers have no business. */
import { describe, expect, it } from "vitest";
import { fetched } from "../../src/http/attachments.ts";
import { call, mailFor, someone } from "../support/api.ts";
import { startEndpoint } from "../support/webhooks.ts";

const mail = (to: string, attachments: unknown[]) => ({
  from: "a@example.com",
  to,
  subject: "With a file",
  text: "See the file.",
  attachments,
});
const remote = (path: string) => ({
  filename: null,
  content: "",
  size: 0,
  content_type: null,
  content_id: null,
  path,
});

/** Of a request that may take as long as it likes. */
const patience = () => new AbortController().signal;

describe("an attachment by address", () => {
  it("is fetched, named and typed by what its server says", async () => {
    const { url } = await startEndpoint([
      { body: "%PDF", headers: { "content-type": "application/pdf; x=1" } },
    ]);
    const to = someone();
    const { status } = await call(
      "POST",
      "/emails",
      mail(to, [{ path: url.replace("/hook", "/a/Rechnung%20M%C3%A4rz.pdf?x#y") }]),
    );
    expect(status).toBe(200);
    const [taken] = await mailFor(to);
    const [file] = taken!.email.attachments;
    expect(file).toMatchObject({ filename: "Rechnung März.pdf", mimeType: "application/pdf" });
    expect(new TextDecoder().decode(file!.content as ArrayBuffer)).toBe("%PDF");
  });

  it("is called what the caller calls it, in a batch too", async () => {
    const { url } = await startEndpoint([{ body: "x", headers: { "content-type": "text/plain" } }]);
    const to = someone();
    const file = { path: url, filename: "own.csv", content_type: "text/csv" };
    expect((await call("POST", "/emails/batch", [mail(to, [file])])).status).toBe(200);
    const [taken] = await mailFor(to);
    expect(taken!.email.attachments[0]).toMatchObject({ filename: "own.csv", mimeType: "text/csv" });
  });

  it("is not fetched for the rest of a batch that has grown too large: memory is short", async () => {
    const { url, told } = await startEndpoint([{ body: "x".repeat(6_000_000) }]);
    const batch = Array.from({ length: 8 }, () => mail(someone(), [{ path: url }]));
    const { status, body } = await call("POST", "/emails/batch", batch);
    expect(status).toBe(413);
    expect(body.message).toMatch(/MB of mail/);
    expect((await told()).length).toBe(2);
  });

  it("follows redirects, a few", async () => {
    const last = await startEndpoint([{ body: "here" }]);
    const first = await startEndpoint([{ status: 302, headers: { location: last.url } }]);
    const to = someone();
    expect((await call("POST", "/emails", mail(to, [{ path: first.url }]))).status).toBe(200);
    await first.play([{ status: 302, headers: { location: first.url } }]);
    const { status, body } = await call("POST", "/emails", mail(someone(), [{ path: first.url }]));
    expect(status).toBe(422);
    expect(body).toMatchObject({ name: "invalid_attachment", errors: [{ path: "attachments[0].path" }] });
    expect(body.message).toContain("more than 3 times");
  });

  it.each([
    ["a server that says no", [{ status: 404 }], "answered 404"],
    ["a connection that is dropped", [{ drop: true }], "could not be fetched"],
  ])("is refused with the message: %s", async (_, script, message) => {
    const { url } = await startEndpoint(script);
    const { status, body } = await call("POST", "/emails", mail(someone(), [{ path: url }]));
    expect(status).toBe(422);
    expect(body).toMatchObject({ name: "invalid_attachment" });
    expect(body.message).toContain(message);
  });

  it("is read no further than a message may be long, whatever its server says", async () => {
    const megabyte = new Uint8Array(1_000_000);
    let sent = 0;
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          sent += 1;
          controller.enqueue(megabyte);
        },
      });
    const said = { "content-length": "99999999" };
    for (const answer of [() => new Response(endless()), () => new Response("x", { headers: said })]) {
      const parts = { fetch: async () => answer(), allowPrivate: false, signal: patience() };
      const result = await fetched([remote("https://example.com/x")], "attachments", parts);
      expect(result).toMatchObject({ ok: false });
      if (!result.ok) expect(result.error[0]!.message).toContain("too large");
    }
    expect(sent).toBeLessThan(40);
  });

  it.each([
    ["/etc/passwd", "is not the address of a file"],
    ["file:///etc/passwd", "is not the address of a file"],
    ["https://127.0.0.1/x", "private address"],
    ["http://2130706433/x", "private address"],
    ["http://[::ffff:10.0.0.1]/x", "private address"],
    ["http://metadata.internal/x", "private address"],
  ])("is not fetched from %s", async (path, message) => {
    const parts = {
      fetch: () => Promise.reject(new Error("fetched")),
      allowPrivate: false,
      signal: patience(),
    };
    const result = await fetched([remote(path)], "attachments", parts);
    expect(result).toMatchObject({ ok: false, error: [{ path: "attachments[0].path" }] });
    if (!result.ok) expect(result.error[0]!.message).toContain(message);
  });

  it("is not led to a private address by a redirect", async () => {
    const fetch = async () => new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
    const result = await fetched([remote("https://example.com/x")], "attachments", {
      fetch,
      allowPrivate: false,
      signal: patience(),
    });
    expect(result).toMatchObject({ ok: false });
    if (!result.ok)
      expect(result.error[0]!.message).toContain("redirects to an address that leads to a private address");
  });

  it("is waited for as long as all files of one request may take, not as each of many may", async () => {
    const controller = new AbortController();
    let asked = 0;
    // Never answers; the caller's patience ends with the second.
    const fetch = (_: string, { signal }: RequestInit) =>
      new Promise<Response>((_, reject) => {
        asked += 1;
        if (signal!.aborted) return reject(signal!.reason);
        signal!.addEventListener("abort", () => reject(signal!.reason));
        if (asked === 2) controller.abort();
        else reject(new Error("refused"));
      });
    const many = Array.from({ length: 5 }, () => remote("https://example.com/"));
    const result = await fetched(many, "attachments", {
      fetch,
      allowPrivate: false,
      signal: controller.signal,
    });
    const told = result.ok ? [] : result.error.map(({ message }) => /in all$/.test(message));
    expect(told).toEqual([false, true, true, true, true]);
  });

  it("is one of a few in a message", async () => {
    const parts = {
      fetch: () => Promise.reject(new Error("fetched")),
      allowPrivate: false,
      signal: patience(),
    };
    const many = Array.from({ length: 21 }, () => remote("https://example.com/"));
    expect(await fetched(many, "attachments", parts)).toMatchObject({
      ok: false,
      error: [{ path: "attachments" }],
    });
  });
});

describe("an attachment's content", () => {
  it("may be Node's Buffer as JSON spells it", async () => {
    const to = someone();
    const content = { type: "Buffer", data: [104, 105, 255] };
    expect((await call("POST", "/emails", mail(to, [{ filename: "a.bin", content }]))).status).toBe(200);
    const [taken] = await mailFor(to);
    expect([...new Uint8Array(taken!.email.attachments[0]!.content as ArrayBuffer)]).toEqual([104, 105, 255]);
  });

  it("is nothing else", async () => {
    for (const content of [{ type: "Buffer", data: [256] }, { data: [1] }, 7]) {
      const { status, body } = await call("POST", "/emails", mail(someone(), [{ filename: "a", content }]));
      expect(status).toBe(422);
      expect(body.errors[0].path).toBe("attachments[0].content");
    }
  });
});
