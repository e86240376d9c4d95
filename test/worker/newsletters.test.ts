/** Ten newsletters of different makers, sent, received, and every link followed. */
import { describe, expect, it } from "vitest";
import { call, mailFor, someone } from "../support/api.ts";
import { linksOf } from "../support/link-oracle.ts";

const newsletters = import.meta.glob<string>("../fixtures/newsletters/*.html", {
  query: "?raw",
  import: "default",
  eager: true,
});

describe("newsletters", () => {
  it("are ten", () => expect(Object.keys(newsletters)).toHaveLength(10));

  it.each(Object.entries(newsletters))("%s", async (_, html) => {
    const to = someone();
    const posted = await call("POST", "/emails", { from: "news@example.com", to, subject: "News", html });
    expect(posted.status).toBe(200);
    const [taken] = await mailFor(to);
    const tracked = [
      ...taken!.email.html!.matchAll(/https:\/\/mail\.example\.com(\/c\/[\w-]{43}\/[\w-]+)/g),
    ].map(([, path]) => path!);
    const wanted = linksOf(html).map(({ target }) => target);
    expect(wanted.length).toBeGreaterThanOrEqual(10);
    const followed: (string | null)[] = [];
    for (const path of tracked) {
      const { status, headers } = await call("GET", path);
      expect(status).toBe(302);
      followed.push(headers.get("location"));
    }
    // What a header cannot carry (an international name, say) is spelled as a browser spells it.
    expect(followed).toEqual(
      wanted.map((target) => (/^[\x21-\x7e]+$/.test(target) ? target : new URL(target).href)),
    );
  });
});
