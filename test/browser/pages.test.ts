/** The pages that the gateway shows of itself: readable on a telephone, and nothing comes from elsewhere. */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openBrowser } from "../support/chromium.ts";
import { Postern, temporaryFolder } from "../support/postern.ts";

const folder = temporaryFolder();
let postern: Postern;
let browser: Browser;

beforeAll(async () => {
  [postern, browser] = await Promise.all([Postern.start(join(folder.path, "data")), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await postern?.stop();
  folder.remove();
});

it.each(["/", "/docs"])("%s fits a window of 320 pixels", async (path) => {
  const context = await browser.newContext({ viewport: { width: 320, height: 568 } });
  const page = await context.newPage();
  await page.goto(`${postern.base}${path}`);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
  await context.close();
});

it("/ leads to the API", async () => {
  const page = await browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).origin));
  await page.goto(`${postern.base}/`);
  await page.getByRole("link", { name: "The API" }).click();
  await page.waitForURL("**/docs");
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Postern API");
  expect(new Set(asked)).toEqual(new Set([new URL(postern.base).origin]));
  await page.close();
});
