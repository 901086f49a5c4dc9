import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files in a folder of their own; remove `dir` when done. */
export interface Certificates {
  readonly dir: string;
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Directives for a server with TLS on this port beside the plain one. */
  args(port: number): string[];
}

/** An authority and a certificate for 127.0.0.1 signed by it, made by openssl. */
export function makeCertificates(subjectAltName: string): Certificates {
  const dir = mkdtempSync(join(tmpdir(), "ioreplica-tls-"));
  const at = (name: string): string => join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "ignore" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "1",
    "-subj",
    "/CN=test authority",
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
  );
  openssl("req", ...key, "-subj", "/CN=redis", "-keyout", at("redis.key"), "-out", at("redis.csr"));
  writeFileSync(at("names"), `subjectAltName=${subjectAltName}\n`);
  const signing = [
    "-CA",
    at("ca.crt"),
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
    "-days",
    "1",
    "-extfile",
    at("names"),
  ];
  openssl("x509", "-req", "-in", at("redis.csr"), ...signing, "-out", at("redis.crt"));
  const files = [
    "--tls-cert-file",
    at("redis.crt"),
    "--tls-key-file",
    at("redis.key"),
    "--tls-ca-cert-file",
    at("ca.crt"),
  ];
  return {
    dir,
    ca: readFileSync(at("ca.crt")),
    cert: readFileSync(at("redis.crt")),
    key: readFileSync(at("redis.key")),
    args: (port) => ["--tls-port", String(port), ...files, "--tls-auth-clients", "no"],
  };
}
