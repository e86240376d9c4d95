/** A gateway and a browser for the tests of a file, ended after them. */
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { openBrowser } from "./chromium.ts";
import { Postern, temporaryFolder } from "./postern.ts";

/** To be called at the top of a file; what it gives is there once a test runs. */
export function gatewayAndBrowser(): { readonly postern: Postern; readonly browser: Browser } {
  const folder = temporaryFolder();
  let postern: Postern | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    [postern, browser] = await Promise.all([Postern.start(join(folder.path, "data")), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await postern?.stop();
    folder.remove();
  });
  return {
    get postern() {
      return postern!;
    },
    get browser() {
      return browser!;
    },
  };
}
