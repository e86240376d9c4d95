import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:net";
import { defineConfig } from "vitest/config";
import { testCertificates } from "./test/support/certificates.ts";

// Miniflare reads this as it is loaded, so the plugin that loads it comes after.
process.env.NODE_EXTRA_CA_CERTS = testCertificates().authorityFile;
const { cloudflareTest } = await import("@cloudflare/vitest-plugin");

/** Ports for the relays of the worker under test: its configuration is fixed before they start. */
const relayPorts = await Promise.all([freePort(), freePort()]);
process.env.TEST_RELAY_PORTS = relayPorts.join(",");
const RELAYS = JSON.stringify([
  { name: "main", url: `smtp://127.0.0.1:${relayPorts[0]}?tls=none` },
  { name: "second", url: `smtp://127.0.0.1:${relayPorts[1]}?tls=none`, priority: 10, from: ["example.com"] },
]);

/** Mail of signed.example is signed; tests are given the other half of the key. */
const dkim = generateKeyPairSync("ed25519");
process.env.TEST_DKIM_KEY = dkim.publicKey.export({ type: "spki", format: "pem" }).toString();
const key = dkim.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const DKIM = JSON.stringify([{ domain: "signed.example", selector: "s1", key }]);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export default defineConfig({
  test: {
    projects: [
      {
        // Pure rooms, and tools that run under Node.
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/fuzz/**/*.test.ts", "test/architecture.test.ts"],
        },
      },
      {
        // Routes, Durable Objects and sockets, inside workerd. Peers are started by globalSetup, on loopback.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                API_KEY: "test-key",
                SIGNING_SECRET: "test-signing-secret",
                PUBLIC_URL: "https://mail.example.com",
                RELAYS,
                DKIM,
                WEBHOOK_PRIVATE: "allow", // Endpoints of tests listen on loopback.
                PACES: '{"paced.example": "20/s"}',
              },
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/worker/**/*.test.ts"],
          globalSetup: ["./test/support/peers.ts"],
          testTimeout: 30_000, // The first test of a file waits for all of src to be transformed.
        },
      },
      {
        // The product as a process: `npm start` on workerd itself.
        test: { name: "e2e", include: ["test/e2e/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000 },
      },
      {
        // With a real browser: `npm run test:browser`. Fails without Chromium.
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Through real mail servers: `npm run test:mta`. Fails without them.
        test: { name: "mta", include: ["test/mta/**/*.test.ts"], testTimeout: 90_000, hookTimeout: 120_000 },
      },
    ],
  },
});
