/**
 * The page behind an unsubscribe link. One file with nothing from elsewhere: no script, no image, no font. It works without
 * a mouse, on a telephone and in the dark, and shows no address in full.
 */

/** `address` is shortened already. `topic` null: everything of the sender. */
export type Page =
  | { kind: "ask" | "done" | "back" | "failed"; address: string; topic: string | null }
  | { kind: "invalid" };

const STYLE = `
:root { color-scheme: light dark; --page: #f4f4f2; --card: #fff; --text: #1c1c1a; --quiet: #5a5a55; --act: #1c1c1a; --on-act: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --page: #161615; --card: #222220; --text: #f1f1ee; --quiet: #b0b0a9; --act: #f1f1ee; --on-act: #161615; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 28rem; padding: 2rem; background: var(--card); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1.5rem; color: var(--quiet); overflow-wrap: anywhere; }
p:last-child { margin-bottom: 0; }
strong { color: var(--text); font-weight: 600; }
button { width: 100%; min-height: 3rem; padding: .75rem 1rem; font: inherit; font-weight: 600; border-radius: .5rem;
  border: 2px solid var(--act); background: var(--act); color: var(--on-act); cursor: pointer; }
button.quiet { background: transparent; color: var(--text); }
button:focus-visible { outline: 3px solid #2f6fed; outline-offset: 2px; }
`;

interface Words {
  title: string;
  text: (of: string | null) => string;
  button: { action: "leave" | "return"; label: string; quiet: boolean } | null;
}

const WORDS: Record<Exclude<Page["kind"], "invalid">, Words> = {
  ask: {
    title: "Unsubscribe?",
    text: (of) =>
      of === null ? "will get no more mail from this sender." : "will get no more mail of the topic",
    button: { action: "leave", label: "Unsubscribe", quiet: false },
  },
  done: {
    title: "You are unsubscribed",
    text: (of) => (of === null ? "gets no more mail from this sender." : "gets no more mail of the topic"),
    button: { action: "return", label: "That was a mistake: subscribe again", quiet: true },
  },
  back: {
    title: "You are subscribed again",
    text: (of) => (of === null ? "gets mail from this sender as before." : "gets mail again of the topic"),
    button: { action: "leave", label: "Unsubscribe", quiet: true },
  },
  failed: {
    title: "That did not work",
    text: (of) =>
      of === null
        ? "could not be unsubscribed just now. Please try again."
        : "could not be unsubscribed just now; please try again. Topic:",
    button: { action: "leave", label: "Try again", quiet: false },
  },
};

export function unsubscribePage(page: Page, nonce: string) {
  const words = page.kind === "invalid" ? null : WORDS[page.kind];
  const title = words?.title ?? "This link is not valid";
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>{title}</title>
        <style nonce={nonce}>{STYLE}</style>
      </head>
      <body>
        <main>
          <h1 role={page.kind === "ask" ? undefined : "status"}>{title}</h1>
          {page.kind === "invalid" || words === null ? (
            <p>It may have been cut off on its way. Please try it from the original mail.</p>
          ) : (
            <p>
              <strong>{page.address}</strong> {words.text(page.topic)}
              {page.topic === null ? null : (
                <>
                  {" "}
                  <strong>{page.topic}</strong>.
                </>
              )}
            </p>
          )}
          {words?.button == null ? null : (
            <form method="post">
              <input type="hidden" name="action" value={words.button.action} />
              <button class={words.button.quiet ? "quiet" : undefined} type="submit">
                {words.button.label}
              </button>
            </form>
          )}
        </main>
      </body>
    </html>
  );
}
