/** The pages that the gateway shows of itself: readable on a telephone, and nothing comes from elsewhere. */
import { expect, it } from "vitest";
import { gatewayAndBrowser } from "../support/gateway-and-browser.ts";

const here = gatewayAndBrowser();

it.each(["/", "/docs"])("%s fits a window of 320 pixels", async (path) => {
  const context = await here.browser.newContext({ viewport: { width: 320, height: 568 } });
  const page = await context.newPage();
  await page.goto(`${here.postern.base}${path}`);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
  await context.close();
});

it("/ leads to the API", async () => {
  const page = await here.browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).origin));
  await page.goto(`${here.postern.base}/`);
  await page.getByRole("link", { name: "The API" }).click();
  await page.waitForURL("**/docs");
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Postern API");
  expect(new Set(asked)).toEqual(new Set([new URL(here.postern.base).origin]));
  await page.close();
});
