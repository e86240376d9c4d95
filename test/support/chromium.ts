/** Debian's Chromium, headless, driven by playwright-core. CHROMIUM names another binary. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Without a sandbox, since tests run as root; without the browser's own calls home, which a closed network refuses. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath))
    throw new Error(`${executablePath} is missing; apt-get install chromium, or set CHROMIUM`);
  return await chromium.launch({ executablePath, args: ARGUMENTS });
}
