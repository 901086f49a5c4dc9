import type { ConnectionOptions } from "node:tls";
import { type Endpoint, endpointId } from "../connection/address.js";
import { InvalidOptionError } from "../errors/kinds.js";
import type { NodeTags } from "../types.js";
import { checkPort, checkSecret, refuseUnknown, requireObject, showType, showValue } from "./check.js";
import { checkLabel, checkTags } from "./labels.js";

/** What one node input said; what it left out is undefined. */
export interface ParsedNode {
  readonly address: Endpoint;
  readonly id: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | undefined;
  readonly tls?: ConnectionOptions | undefined;
  /** The scheme `redis:` was written: plain text is meant, unless `redisOptions.tls` speaks for all nodes. */
  readonly plainText: boolean;
  readonly zone?: string | undefined;
  readonly tags?: NodeTags | undefined;
}

const FORMS =
  "redis://[user:password@]host[:port][/db], rediss://…, unix:///path, /path, host[:port], or an object with host and port, or path";
/** Nothing but scheme, host, number of port and number of database: what can't be a password in the wrong place. */
const SHOWABLE = /^(?:[a-z]{1,10}:\/\/)?(?:[0-9a-f:.]+|\[[0-9a-f:.]*\](?::\d*)?|[^:@?#/]*(?::\d*)?)(?:\/\d*)?$/i;
const NODE_FIELDS = ["host", "port", "path", "username", "password", "tls", "db", "zone", "tags"] as const;

/**
 * Reads one node input.
 * @param path name of the option it stands in, for errors
 */
export function parseNode(path: string, input: unknown): ParsedNode {
  if (typeof input === "string") return parseNodeString(path, input);
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new InvalidOptionError(path, `must be ${FORMS}; got ${showType(input)}`);
  }
  return parseNodeObject(path, input);
}

function parseNodeObject(path: string, input: object): ParsedNode {
  const given = requireObject(path, input);
  refuseUnknown(path, given, NODE_FIELDS);
  const parsed = {
    username: checkSecret(`${path}.username`, given["username"]),
    password: checkSecret(`${path}.password`, given["password"]),
    db: given["db"] === undefined ? undefined : checkDb(`${path}.db`, given["db"]),
    tls: checkTls(`${path}.tls`, given["tls"]),
    plainText: false,
    zone: given["zone"] === undefined ? undefined : checkLabel(`${path}.zone`, given["zone"]),
    tags: given["tags"] === undefined ? undefined : checkTags(`${path}.tags`, given["tags"]),
  };
  if (given["path"] !== undefined) {
    if (given["host"] !== undefined || given["port"] !== undefined) {
      throw new InvalidOptionError(path, "must have either path or host and port, not both");
    }
    return { ...parsed, ...located(checkSocketPath(`${path}.path`, given["path"])) };
  }
  if (given["host"] === undefined && given["port"] === undefined) {
    throw new InvalidOptionError(path, "must name a host, a port or a path");
  }
  const host = given["host"] === undefined ? "127.0.0.1" : checkHost(`${path}.host`, given["host"]);
  const port = given["port"] === undefined ? 6379 : checkPort(`${path}.port`, given["port"]);
  return { ...parsed, ...located({ host, port }) };
}

function parseNodeString(path: string, input: string): ParsedNode {
  const shown = SHOWABLE.test(input) ? showValue(input) : "a text that is not shown, since it may hold a password";
  const fail = (problem: string): InvalidOptionError =>
    new InvalidOptionError(path, `${problem}; got ${shown}; allowed: ${FORMS}`);
  if (input.trim() !== input || input === "") throw fail("must be an address without blanks around it");

  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(input)?.[1]?.toLowerCase();
  if (input.startsWith("/") && !input.startsWith("//")) return parseSocketPath(path, input, fail);
  if (scheme === "unix") return parseSocketPath(path, input.slice("unix://".length), fail);
  if (scheme !== undefined && scheme !== "redis" && scheme !== "rediss")
    throw fail(`has the unknown scheme "${scheme}:"`);

  let url: URL;
  try {
    url = new URL(scheme === undefined ? `redis://${input}` : input);
  } catch {
    throw fail("is no valid address");
  }
  if (url.hostname === "") throw fail("names no host");
  if (url.hash !== "") throw fail("must not contain #; write it as %23 in a password");
  if (scheme === undefined && url.pathname.length > 1) throw fail("is no valid address");
  const host = checkHost(path, decode(url.hostname.replace(/^\[|\]$/g, ""), fail));
  if (url.port === "0") throw fail("must have a port from 1 to 65535");
  return {
    ...located({ host, port: url.port === "" ? 6379 : Number(url.port) }),
    username: url.username === "" ? undefined : decode(url.username, fail),
    password: url.password === "" ? undefined : decode(url.password, fail),
    db: dbOf(url.pathname.slice(1) || undefined, url.searchParams, fail),
    tls: scheme === "rediss" ? {} : undefined,
    plainText: scheme === "redis",
  };
}

function parseSocketPath(path: string, rest: string, fail: (problem: string) => InvalidOptionError): ParsedNode {
  const question = rest.indexOf("?");
  const file = question === -1 ? rest : rest.slice(0, question);
  if (!file.startsWith("/")) throw fail("must give the absolute path of a socket");
  const query = new URLSearchParams(question === -1 ? "" : rest.slice(question + 1));
  return { ...located(checkSocketPath(path, file)), db: dbOf(undefined, query, fail), plainText: false };
}

function dbOf(
  inPath: string | undefined,
  query: URLSearchParams,
  fail: (problem: string) => InvalidOptionError,
): number | undefined {
  for (const name of query.keys()) {
    if (name !== "db") throw fail(`has the unknown parameter "${name}"; settings belong in redisOptions`);
  }
  const text = inPath ?? query.get("db") ?? undefined;
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw fail("must give the database as a number");
  return Number(text);
}

function decode(text: string, fail: (problem: string) => InvalidOptionError): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail("has a broken % escape");
  }
}

function located(address: Endpoint): { address: Endpoint; id: string } {
  return { address, id: endpointId(address) };
}

function checkHost(path: string, value: unknown): string {
  if (typeof value === "string") {
    const host = value.replace(/^\[|\]$/g, "");
    // A host with a colon is IPv6; one with a single colon is host:port in the wrong place.
    if (host !== "" && !/[\s/@?#]/.test(host) && host.split(":").length !== 2) return host;
  }
  const shown = typeof value === "string" && !value.includes("@") ? showValue(value) : showType(value);
  throw new InvalidOptionError(path, `must be the name or IP address of a host; got ${shown}`);
}

function checkSocketPath(path: string, value: unknown): Endpoint {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return { path: value };
  throw new InvalidOptionError(path, `must be the path of a unix socket; got ${showValue(value)}`);
}

/** Number of a database. */
export function checkDb(path: string, value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 2 ** 31 - 1) return value;
  throw new InvalidOptionError(path, `must be the number of a database; got ${showValue(value)}`);
}

/** TLS settings; undefined or null = not said. */
export function checkTls(path: string, value: unknown): ConnectionOptions | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object" && !Array.isArray(value)) return value;
  throw new InvalidOptionError(
    path,
    `must be an object of tls.connect() options ({} for the defaults); got ${showType(value)}`,
  );
}
