/**
 * Certificates for tests: a private authority, a server certificate for loopback from it, and one from nobody. Made with
 * openssl once a day and kept under node_modules/.cache, because workerd must be told of the authority before it starts.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = new URL("../../node_modules/.cache/postern-test-tls/", import.meta.url).pathname;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Both in PEM. */
export interface KeyPair {
  key: string;
  cert: string;
}

export interface Certificates {
  /** PEM file of the authority, for NODE_EXTRA_CA_CERTS. */
  authorityFile: string;
  trusted: KeyPair;
  unknown: KeyPair;
}

export function testCertificates(): Certificates {
  if (!fresh()) make();
  const read = (name: string) => readFileSync(join(FOLDER, name), "utf8");
  const pair = (name: string): KeyPair => ({ key: read(`${name}.key`), cert: read(`${name}.pem`) });
  return { authorityFile: join(FOLDER, "ca.pem"), trusted: pair("server"), unknown: pair("other") };
}

function fresh(): boolean {
  try {
    return Date.now() - statSync(join(FOLDER, "done")).mtimeMs < DAY_MS;
  } catch {
    return false;
  }
}

function make(): void {
  mkdirSync(FOLDER, { recursive: true });
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: FOLDER, stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9"];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const subject = "/CN=localhost";
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-subj",
    "/CN=Postern test authority",
  );
  openssl("req", ...newKey, "-keyout", "server.key", "-out", "server.csr", "-subj", subject);
  writeFileSync(join(FOLDER, "names"), names);
  const authority = [
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "9",
    "-extfile",
    "names",
  ];
  openssl("x509", "-req", "-in", "server.csr", ...authority, "-out", "server.pem");
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    "other.key",
    "-out",
    "other.pem",
    "-subj",
    subject,
    "-addext",
    names,
  );
  writeFileSync(join(FOLDER, "done"), "");
}
