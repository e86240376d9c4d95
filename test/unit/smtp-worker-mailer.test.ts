/** The day an upgrade of worker-mailer changes a member we stand on, this fails. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const source = read("node_modules/worker-mailer/dist/index.mjs");

test("is pinned to the version whose source was read", () => {
  expect(JSON.parse(read("package.json")).dependencies["worker-mailer"]).toBe("1.2.1");
  expect(JSON.parse(read("node_modules/worker-mailer/package.json")).version).toBe("1.2.1");
});

/** The library's own words, as we rely on them. `¤` stands for `$`, lest the linter take them for templates. */
const passages: [string, string][] = [
  [
    "the constructor opens the socket by `secure` and `startTls`",
    'this.socket=U({hostname:this.host,port:this.port},{secureTransport:this.secure?"on":this.startTls?"starttls":"off",allowHalfOpen:!1}),this.reader=this.socket.readable.getReader(),this.writer=this.socket.writable.getWriter()',
  ],
  [
    "tls() reads its 220 with readTimeout, then upgrades and renews reader and writer",
    'async tls(){await this.writeLine("STARTTLS");let e=await this.readTimeout();if(!e.startsWith("220"))throw new Error("Failed to start TLS: "+e);this.reader.releaseLock(),this.writer.releaseLock(),this.socket=this.socket.startTls(),this.reader=this.socket.readable.getReader(),this.writer=this.socket.writable.getWriter()}',
  ],
  ["writeLine() goes through write()", "async writeLine(e){await this.write(`¤{e}\\r\n`)}"],
  [
    "PLAIN is btoa of the credentials as they are",
    'let e=btoa(`\\0¤{this.credentials.username}\\0¤{this.credentials.password}`);await this.writeLine(`AUTH PLAIN ¤{e}`);let t=await this.readTimeout();if(!t.startsWith("2"))',
  ],
  [
    "LOGIN asks twice",
    'await this.writeLine("AUTH LOGIN");let e=await this.readTimeout();if(!e.startsWith("3"))',
  ],
  [
    "close() says QUIT, reads, and does not wait for the socket",
    'try{await this.writeLine("QUIT"),await this.readTimeout(),this.socket.close().catch(',
  ],
];
for (const [name, passage] of passages) {
  test(name, () => expect(source.replaceAll("\r\n", "\n")).toContain(passage.replaceAll("¤", "$")));
}
