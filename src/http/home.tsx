/** GET /: for whoever opens the gateway's address in a browser. Says what this is and where to go on; nothing of its configuration. */
import { Hono } from "hono";
import { raw } from "hono/html";
import type { AppEnv } from "./context.ts";

const STYLE = `
:root { color-scheme: light dark; --page: #f4f4f2; --card: #fff; --text: #1c1c1a; --quiet: #5a5a55; --link: #1f4fa3; }
@media (prefers-color-scheme: dark) {
  :root { --page: #161615; --card: #222220; --text: #f1f1ee; --quiet: #b0b0a9; --link: #86b1ff; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 28rem; padding: 2rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1rem; color: var(--quiet); }
ul { margin: 0; padding: 0; list-style: none; }
li { margin: .5rem 0 0; color: var(--quiet); }
a { color: var(--link); }
`;

const PAGE = `<!doctype html>${(
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <title>Postern</title>
      <style>{raw(STYLE)}</style>
    </head>
    <body>
      <main>
        <h1>Postern</h1>
        <p>This is an email gateway. Programs send mail through it with an API key.</p>
        <ul>
          <li>
            <a href="/docs">The API</a>, to read
          </li>
          <li>
            <a href="/openapi.json">The same</a> for programs
          </li>
          <li>
            <a href="/healthz">Health</a>: whether it is configured rightly
          </li>
        </ul>
      </main>
    </body>
  </html>
)}`;

export const home = new Hono<AppEnv>();

home.get("/", (c) =>
  c.html(PAGE, 200, {
    "Content-Security-Policy":
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
  }),
);
