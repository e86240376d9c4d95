/**
 * The peer: nodemailer's pool behind an HTTP endpoint in Node, as one would write it in an afternoon. Keeps nothing.
 *   POST /send  {from, to, subject, html?, text?}               answers when the relay has accepted
 *   POST /bulk  {from, subject, text, recipients: [address…]}   answers at once, then sends
 * Usage: node nodemailer-gateway.ts PORT RELAY_PORT
 */
import { createServer } from "node:http";
import nodemailer from "nodemailer";

const [port, relayPort] = process.argv.slice(2).map(Number);
const transport = nodemailer.createTransport({
  pool: true,
  host: "127.0.0.1",
  port: relayPort!,
  secure: false,
  ignoreTLS: true,
  maxConnections: 4,
  maxMessages: Number.POSITIVE_INFINITY,
});

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", async () => {
    const body = JSON.parse(Buffer.concat(chunks).toString() || "{}");
    response.setHeader("content-type", "application/json");
    if (request.url === "/bulk") {
      response.end('{"ok":true}');
      // Handed to the pool as it asks for more, as its documentation advises.
      const left: string[] = body.recipients;
      const fill = () => {
        while (transport.isIdle() && left.length > 0)
          transport
            .sendMail({ from: body.from, to: left.pop(), subject: body.subject, text: body.text })
            .catch(console.error);
      };
      transport.on("idle", fill);
      fill();
      return;
    }
    if (request.url === "/send") {
      const info = await transport.sendMail(body);
      response.end(JSON.stringify({ id: info.messageId }));
      return;
    }
    response.end("{}");
  });
}).listen(port, "127.0.0.1");
