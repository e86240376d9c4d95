/** The main job with a real browser: a mail is opened and its link clicked in the inbox, and the events are there. */
import { createServer, type Server } from "node:http";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gatewayAndBrowser } from "../support/gateway-and-browser.ts";
import { arrived } from "../support/inbox.ts";

const here = gatewayAndBrowser();
let context: BrowserContext;
let page: Page;
/** Where the link of the mail leads. */
let site: Server;
let siteUrl: string;

beforeAll(async () => {
  site = createServer((request, response) => {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<title>Arrived</title><p>${request.url?.replace(/[<>&]/g, "")}</p>`);
  });
  await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
  siteUrl = `http://127.0.0.1:${(site.address() as { port: number }).port}`;
});
afterAll(() => {
  site?.close();
});
beforeEach(async () => {
  context = await here.browser.newContext();
  page = await context.newPage();
});
afterEach(() => context.close());

describe("the inbox in a browser", () => {
  it("says what to do while it is empty, and shows mail as it comes", async () => {
    await page.goto(here.postern.inbox!);
    await page.getByText("No mail yet").waitFor();
    await here.postern.send({
      from: "a@example.com",
      to: "b@example.com",
      subject: "Came by itself",
      text: "x",
    });
    await page.getByText("Came by itself").waitFor();
  });

  it("opening the mail and clicking its link gives email.sent, email.opened and email.clicked", async () => {
    const id = await here.postern.send({
      from: "Zoë <a@example.com>",
      to: "b@example.com",
      subject: "Grüße 你好",
      html: `<html><body><p>Hi, <a href="${siteUrl}/landing?a=1&amp;b=%C3%BC#part">click here</a>.</p></body></html>`,
    });
    await arrived(here.postern.inbox!, "Grüße 你好");
    await page.goto(here.postern.inbox!);
    await page.getByText("Grüße 你好").click();
    const link = page.frameLocator("iframe").getByText("click here");
    const [tab] = await Promise.all([context.waitForEvent("page"), link.click()]);
    await tab.waitForURL((url) => url.origin === siteUrl);
    expect(tab.url()).toBe(`${siteUrl}/landing?a=1&b=%C3%BC#part`);
    const events = await here.postern.eventsOf(id, ["email.sent", "email.opened", "email.clicked"]);
    const clicked = events.find((event) => event.type === "email.clicked")!;
    expect(JSON.stringify(clicked.data)).toContain(`${siteUrl}/landing?a=1&b=%C3%BC#part`);
    expect(clicked.recipient).toBe("b@example.com");
  });

  it("runs nothing that a mail brings along", async () => {
    const hostile =
      "<img src=x onerror=\"top.document.title='taken'\"><script>top.document.title='taken';parent.location='about:blank'</script>";
    await here.postern.send({
      from: '"<img src=x onerror=document.title=1>" <a@example.com>',
      to: "b@example.com",
      subject: "<script>document.title='taken'</script>",
      html: `<body>${hostile}<form action="${siteUrl}"><button>send</button></form></body>`,
      text: hostile,
    });
    await arrived(here.postern.inbox!, "<script>document.title='taken'</script>");
    await page.goto(here.postern.inbox!);
    await page.locator(".row").first().click();
    await page.frameLocator("iframe").getByText("send").click();
    await page.getByRole("tab", { name: "Text" }).click();
    await page.getByRole("tab", { name: "Source" }).click();
    await page.getByText("Download .eml").waitFor();
    expect(await page.title()).toMatch(/Inbox$/);
    expect(page.url()).toContain(here.postern.inbox!);
    expect(page.frames().some((frame) => frame.url().startsWith(siteUrl))).toBe(false);
  });

  it("is used with the keyboard alone", async () => {
    for (const subject of ["Key one", "Key two"]) {
      await here.postern.send({
        from: "a@example.com",
        to: "b@example.com",
        subject,
        text: `Text of ${subject}`,
      });
      await arrived(here.postern.inbox!, subject);
    }
    await page.goto(here.postern.inbox!);
    await page.getByText("Key two").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.locator("#subject", { hasText: "Key two" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.locator("#subject", { hasText: "Key one" }).waitFor();
    await page.keyboard.press("k");
    await page.locator("#subject", { hasText: "Key two" }).waitFor();
    await page.locator("#tabs [aria-selected=true]").focus();
    await page.keyboard.press("ArrowLeft");
    await page.getByText("Download .eml").waitFor();
  });
});
