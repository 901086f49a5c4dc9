import { constants } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SecureContextOptions, TLSSocket, TlsOptions } from "node:tls";
import type { Config } from "../config/config.js";

type Pem = string | Buffer;

/** Certificates as PEM texts, for servers that have no files. */
export interface TlsMaterial {
  /** The certificate, with the chain up to its CA. */
  readonly cert: Pem;
  readonly key: Pem;
  /** Of the key. */
  readonly passphrase?: string;
  /** Whom to trust: masters, and clients that show a certificate. */
  readonly ca: Pem;
}

/** What the tls-* directives amount to. */
export interface TlsSettings {
  readonly server: SecureContextOptions & Pick<TlsOptions, "sessionTimeout">;
  /** What clients must show. */
  readonly demand: Pick<TlsOptions, "requestCert" | "rejectUnauthorized">;
  /** `tls-auth-clients optional`: no certificate is as good as a valid one, but a false one is not. */
  refuses(socket: TLSSocket): boolean;
  readonly client: SecureContextOptions;
}

/** In the order of their age. */
const PROTOCOLS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
type Protocol = (typeof PROTOCOLS)[number];
const WITHOUT: Readonly<Record<Protocol, number>> = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};
/** TLS 1.3 has suites of its own: where none are named these are meant. */
const SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

/** Reads the directives and the files they name. @throws Error that says what is missing or wrong */
export function readTlsSettings(config: Config, material: TlsMaterial | null): TlsSettings {
  const authClients = config.text("tls-auth-clients");
  const own = ownCertificate(config, material);
  const ca = authorities(config, material);
  if (ca === null && (authClients !== "no" || config.flag("tls-replication"))) {
    throw new Error(
      "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!",
    );
  }
  const common: SecureContextOptions = { ...protocols(config), ...ciphers(config), ...(ca === null ? {} : { ca }) };
  const dhFile = config.text("tls-dh-params-file");
  const options = (common.secureOptions ?? 0) | (config.flag("tls-session-caching") ? 0 : constants.SSL_OP_NO_TICKET);
  return {
    server: {
      ...common,
      ...own,
      secureOptions: options,
      honorCipherOrder: config.flag("tls-prefer-server-ciphers"),
      sessionIdContext: "redis",
      sessionTimeout: config.number("tls-session-cache-timeout"),
      dhparam: dhFile === "" ? "auto" : read("DH params file", dhFile),
    },
    demand: { requestCert: authClients !== "no", rejectUnauthorized: authClients === "yes" },
    refuses: (socket) =>
      authClients === "optional" && !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0,
    client: { ...common, ...clientCertificate(config, own) },
  };
}

type Certificate = Pick<SecureContextOptions, "cert" | "key" | "passphrase">;

function ownCertificate(config: Config, material: TlsMaterial | null): Certificate {
  const cert = config.text("tls-cert-file");
  const key = config.text("tls-key-file");
  if (material !== null && cert === "") {
    const { passphrase } = material;
    return { cert: material.cert, key: material.key, ...(passphrase === undefined ? {} : { passphrase }) };
  }
  if (cert === "") throw new Error("No tls-cert-file configured!");
  if (key === "") throw new Error("No tls-key-file configured!");
  return certificate(cert, key, config.text("tls-key-file-pass"));
}

/** What a master is shown: the client's certificate if there is one, else the server's. */
function clientCertificate(config: Config, own: Certificate): Certificate {
  const cert = config.text("tls-client-cert-file");
  const key = config.text("tls-client-key-file");
  return cert === "" || key === "" ? own : certificate(cert, key, config.text("tls-client-key-file-pass"));
}

function certificate(cert: string, key: string, passphrase: string): Certificate {
  return {
    cert: read("certificate", cert),
    key: read("private key", key),
    // Without one an encrypted key must fail, and not make OpenSSL ask at the terminal.
    passphrase,
  };
}

function authorities(config: Config, material: TlsMaterial | null): Pem[] | null {
  const file = config.text("tls-ca-cert-file");
  const folder = config.text("tls-ca-cert-dir");
  const found: Pem[] = file === "" ? [] : [read("CA certificate(s) file", file)];
  if (folder !== "") {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isFile()) found.push(read("CA certificate(s) directory", path));
    }
  }
  if (found.length === 0 && material !== null) found.push(material.ca);
  return found.length === 0 ? null : found;
}

function protocols(config: Config): SecureContextOptions {
  const text = config.text("tls-protocols");
  const words = text === "" ? ["TLSv1.2", "TLSv1.3"] : text.split(" ").filter((word) => word !== "");
  const wanted = PROTOCOLS.filter((protocol) => words.some((word) => word.toLowerCase() === protocol.toLowerCase()));
  const [first] = wanted;
  const last = wanted.at(-1);
  if (first === undefined || last === undefined || wanted.length !== words.length) {
    throw new Error(
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.",
    );
  }
  let secureOptions = 0;
  for (const protocol of PROTOCOLS) if (!wanted.includes(protocol)) secureOptions |= WITHOUT[protocol];
  return { minVersion: first, maxVersion: last, secureOptions };
}

function ciphers(config: Config): SecureContextOptions {
  const suites = config.text("tls-ciphersuites") || SUITES;
  return { ciphers: `${suites}:${config.text("tls-ciphers") || "DEFAULT"}` };
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`Failed to load ${what}: ${path}: ${(error as NodeJS.ErrnoException).code ?? "unreadable"}`);
  }
}
