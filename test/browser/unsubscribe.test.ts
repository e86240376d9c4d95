/** The way to leave with a real browser: the page asks, the button acts, and there is a way back. */
import type { BrowserContext, Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gatewayAndBrowser } from "../support/gateway-and-browser.ts";
import { arrived } from "../support/inbox.ts";

const here = gatewayAndBrowser();
let context: BrowserContext;
let page: Page;
/** Every address the page asked for. */
let asked: string[];
let counter = 0;

beforeEach(async () => {
  context = await here.browser.newContext({ viewport: { width: 320, height: 568 } });
  page = await context.newPage();
  asked = [];
  page.on("request", (request) => asked.push(request.url()));
});
afterEach(() => context.close());

/** To someone new each time: who has left gets no mail. */
async function sent(): Promise<{ id: string; to: string; url: string }> {
  const subject = `Leave ${counter}`;
  const to = `barbara-${counter++}@example.net`;
  const id = await here.postern.send({
    from: "a@example.com",
    to,
    subject,
    html: '<a href="{{unsubscribe_url}}">leave</a>',
    unsubscribe: { topic: "news" },
  });
  const { html } = await arrived(here.postern.inbox!, subject);
  return { id, to, url: /href="([^"]*\/u\/[\w-]+)"/.exec(html!)![1]! };
}

describe("the unsubscribe page", () => {
  it("asks, acts at the button, and takes it back", async () => {
    const { id, to, url } = await sent();
    await page.goto(url);
    await page.getByRole("heading", { name: "Unsubscribe?" }).waitFor();
    expect(await page.textContent("main")).toContain("b…@example.net");
    expect(await page.content()).not.toContain("barbara");
    expect((await here.postern.events(id)).some(({ type }) => /subscribed/.test(type))).toBe(false);
    await page.getByRole("button", { name: "Unsubscribe" }).click();
    await page.getByRole("status").filter({ hasText: "You are unsubscribed" }).waitFor();
    const left = await here.postern.eventsOf(id, ["email.unsubscribed"]);
    expect(left.find(({ type }) => type === "email.unsubscribed")!.data).toMatchObject({
      unsubscribe: { address: to, topic: "news", via: "page" },
    });
    await page.getByRole("button", { name: /subscribe again/ }).click();
    await page.getByRole("status").filter({ hasText: "subscribed again" }).waitFor();
    await here.postern.eventsOf(id, ["email.resubscribed"]);
    expect(await context.cookies()).toEqual([]);
    expect(
      new Set(asked.map((one) => new URL(one).pathname).filter((path) => path !== "/favicon.ico")),
    ).toEqual(new Set([new URL(url).pathname]));
    // Loading it anew asks to send the form again, or asks anew; a visit does not act.
    await page.goto(url);
    await page.getByRole("heading", { name: "Unsubscribe?" }).waitFor();
  });

  it("is used with the keyboard alone, fits a small screen, and has contrast in light and dark", async () => {
    const { id, url } = await sent();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(url);
      // Written as text, for it runs in the page.
      const [overflow, ratio] = (await page.evaluate(`(() => {
        const light = (color) => {
          const [r, g, b] = color.match(/[\\d.]+/g).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const against = (element, ground) => {
          const [a, b] = [light(getComputedStyle(element).color), light(getComputedStyle(ground).backgroundColor)].sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        };
        const of = (selector) => document.querySelector(selector);
        return [
          document.documentElement.scrollWidth - innerWidth,
          Math.min(against(of("h1"), of("main")), against(of("p"), of("main")), against(of("button"), of("button"))),
        ];
      })()`)) as [number, number];
      expect(overflow).toBeLessThanOrEqual(0);
      expect(ratio).toBeGreaterThan(4.5); // WCAG 2.2, 1.4.3
    }
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("status").filter({ hasText: "You are unsubscribed" }).waitFor();
    await here.postern.eventsOf(id, ["email.unsubscribed"]);
  });

  it("says so when a link was cut off", async () => {
    const { url } = await sent();
    const answer = await page.goto(url.slice(0, -4));
    expect(answer!.status()).toBe(404);
    await page.getByText("This link is not valid").waitFor();
    expect(await page.locator("button").count()).toBe(0);
  });
});
