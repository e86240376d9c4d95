/** For tests in workerd: the API of the worker under test, and the mail that its relays took. */
import { exports } from "cloudflare:workers";
import PostalMime, { type Email } from "postal-mime";
import { inject } from "vitest";

export const KEY = "test-key";

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  body: any;
}

/** One request, answered. A body that is not a string is sent as JSON. */
export async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await worker().fetch(`https://mail.example.com${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
    redirect: "manual",
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  let parsed: unknown = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: the text itself.
  }
  return { status: response.status, headers: response.headers, body: parsed };
}

export const worker = (): Fetcher => (exports as unknown as { default: Fetcher }).default;

let counter = 0;
/** An address nobody else in this run uses. */
export const someone = (local = "reader"): string => `${local}-${Date.now()}-${counter++}@example.net`;

export interface Taken {
  relay: number;
  from: string;
  to: string;
  /** As it came over the wire, one character per byte. */
  raw: string;
  email: Email;
}

/** The messages a relay took for an address, once there are `count` of them or fifteen seconds have gone. */
export async function mailFor(to: string, count = 1): Promise<Taken[]> {
  return mailsBy(`to=${encodeURIComponent(to)}`, count);
}

/** Likewise by subject (ASCII), whoever it went to. */
export const mailAbout = (subject: string): Promise<Taken[]> =>
  mailsBy(`subject=${encodeURIComponent(subject)}`, 1);

async function mailsBy(query: string, count: number): Promise<Taken[]> {
  const taken = await poll(
    async () =>
      (await (await fetch(`${inject("mailRelays")}/mail?${query}`)).json()) as Omit<Taken, "email">[],
    (mails) => mails.length >= count,
  );
  return Promise.all(
    taken.map(async (mail) => ({
      ...mail,
      email: await PostalMime.parse(Uint8Array.from(mail.raw, (char) => char.charCodeAt(0))),
    })),
  );
}

/** Event types of an email in order, once `done` is content with them or fifteen seconds have gone. */
export async function eventsOf(id: string, done: (types: string[]) => boolean): Promise<Answer["body"][]> {
  return poll(
    async () => (await call("GET", `/emails/${id}/events?limit=100`)).body.data ?? [],
    (events) => done(events.map((event: { type: string }) => event.type)),
  );
}

export async function poll<T>(get: () => Promise<T>, done: (value: T) => boolean, ms = 15_000): Promise<T> {
  for (let waited = 0; ; waited += 20) {
    const value = await get();
    if (done(value) || waited >= ms) return value;
    await scheduler.wait(20);
  }
}

/** Stops a configured relay, or starts it again. */
export async function relay(index: number, state: "down" | "up"): Promise<void> {
  await fetch(`${inject("mailRelays")}/relays/${index}/${state}`, { method: "POST" });
}
