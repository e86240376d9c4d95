/**
 * The typed view of worker-mailer 1.2.1, and its only importer. The library declares its members private, but they are
 * ordinary at run time; `SmtpConnection` extends this view and repairs what FACTS.md lists as broken.
 * The version is pinned exactly; test/unit/smtp-worker-mailer.test.ts fails the day a member we stand on changes.
 */
import { WorkerMailer } from "worker-mailer";

/** What a constructor call needs. `startTls: false` makes a socket that can never be upgraded. */
export interface WorkerMailerOptions {
  host: string;
  port: number;
  /** TLS from the first byte. */
  secure: boolean;
  startTls: boolean;
  credentials?: { username: string; password: string };
  /** 4 is silence: its debug level would print credentials. */
  logLevel: 4;
}

/** The members we use or override. Everything else of the library stays untouched and unused. */
export interface WorkerMailerMembers {
  socket: Socket;
  reader: ReadableStreamDefaultReader<Uint8Array>;
  writer: WritableStreamDefaultWriter<Uint8Array>;
  /** Reads one whole reply. Overridden: the library ignores the end of the stream and spins for ever. */
  read(): Promise<string>;
  /** Overridden: the library leaves a 30 s timer behind for each reply. */
  readTimeout(): Promise<string>;
  write(text: string): Promise<void>;
  writeLine(line: string): Promise<void>;
  ehlo(): Promise<void>;
  helo(): Promise<void>;
  /** Sends STARTTLS, expects 220, upgrades `socket` and renews `reader` and `writer`. */
  tls(): Promise<void>;
  auth(): Promise<void>;
  /** `btoa` of "\0user\0password": wants the credentials as binary strings. */
  authWithPlain(): Promise<void>;
  authWithLogin(): Promise<void>;
  authWithCramMD5(): Promise<void>;
  /** Sends QUIT, reads its answer, closes the socket without waiting for it. */
  close(error?: Error): Promise<void>;
}

/** The library's names that we stand on: the contract test checks each of them. */
export const STOOD_ON = [
  "read",
  "readTimeout",
  "write",
  "writeLine",
  "ehlo",
  "helo",
  "tls",
  "auth",
  "authWithPlain",
  "authWithLogin",
  "authWithCramMD5",
  "close",
] as const satisfies readonly (keyof WorkerMailerMembers)[];

/** The library's class as it is at run time. The constructor opens the socket. */
export const WorkerMailerBase = WorkerMailer as unknown as new (
  options: WorkerMailerOptions,
) => WorkerMailerMembers;
