/** The pixel before a real browser: in each of its forms it is fetched once, and is seen by nobody. */
import { expect, it } from "vitest";
import { gatewayAndBrowser } from "../support/gateway-and-browser.ts";
import { arrived } from "../support/inbox.ts";

const here = gatewayAndBrowser();
const DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

it.each([
  ["a mail of words", "<p>It comes on Friday.</p>", "table"],
  ["a mail with a picture", `<p>It comes on Friday.</p><img src="${DOT}" alt="">`, "img"],
])("%s", async (subject, html, element) => {
  const id = await here.postern.send({ from: "a@example.com", to: "b@example.net", subject, html });
  const mail = await arrived(here.postern.inbox!, subject);
  const page = await here.browser.newPage();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${here.postern.base}/healthz`); // A page of the same origin: mail programs have rules of their own.
  await page.setContent(mail.html!, { waitUntil: "networkidle" });
  expect(asked.filter((url) => url.includes("/o/"))).toHaveLength(1);
  const pixel = await page.locator(`${element} >> nth=-1`).boundingBox();
  expect([pixel?.width, pixel?.height]).toEqual([1, 1]);
  await page.close();
  const events = await here.postern.eventsOf(id, ["email.opened"]);
  expect(events.filter(({ type }) => type === "email.opened")).toHaveLength(1);
});
