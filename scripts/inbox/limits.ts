/** Bounds of the local inbox, which keeps everything in memory. */

export const KEPT_MESSAGES = 500; // A page that a person still reads.
export const KEPT_BYTES = 256 * 1024 * 1024; // All messages together.
export const MESSAGE_BYTES = 40 * 1024 * 1024; // Announced as SIZE; above anything that Postern sends (25 MB).
export const SMTP_CLIENTS = 100; // Far above one worker's sessions.
export const SMTP_IDLE_MS = 60_000; // A client that says nothing for so long is gone.
export const CLOSE_MS = 500; // How long sessions under way may hold up the end.
export const HEADER_BYTES = 256 * 1024; // All headers of one part; beyond it a message is shown as source only.
export const HEADER_LINES_SHOWN = 500; // Per message, in the page.
export const TEXT_CHARS_SHOWN = 1_000_000; // Likewise; the raw source has all of it.
export const WEB_REQUEST_MS = 10_000; // For the head of a request to the page.
