import type { ConnectionOptions } from "node:tls";
import { InvalidOptionError } from "../errors/kinds.js";
import {
  checkBoolean,
  checkGroup,
  checkPort,
  checkSecret,
  refuseUnknown,
  requireObject,
  showType,
  showValue,
} from "./check.js";
import { checkTls, type ParsedNode, parseNode } from "./node-input.js";
import type { NodeSource, SeedNode, SentinelSource } from "./resolved.js";
import { DEV_FIELDS, OPTION_TABLE } from "./table.js";
import type { PassedRedisOption, SharedRedisOptions } from "./types.js";

type Given = Readonly<Record<string, unknown>>;
type Redis = { readonly [Name in PassedRedisOption]?: NonNullable<SharedRedisOptions[Name]> };

/** The nodes of the options, and what holds for those that are discovered later. */
export interface Source {
  readonly source: NodeSource;
  readonly seeds: readonly SeedNode[];
  readonly db: number;
  readonly shared: { readonly username?: string; readonly password?: string; readonly tls?: ConnectionOptions };
}

const WAYS = ["nodes", "master", "sentinels", "dev"] as const;
const SENTINEL_ONLY = [
  "name",
  "sentinelUsername",
  "sentinelPassword",
  "sentinelTLS",
  "enableTLSForSentinelMode",
  "updateSentinels",
] as const;

/** Finds out which of the ways to name nodes was used, and reads it. */
export function resolveSource(given: Given | string, redis: Redis): Source {
  if (typeof given === "string") return seeded("nodes", [parseNode("url", given)], ["unknown"], redis);
  const ways = WAYS.filter((way) => given[way] !== undefined && given[way] !== false);
  if (ways.length !== 1) {
    const got = ways.length === 0 ? "none" : ways.join(" and ");
    throw new InvalidOptionError(
      "",
      `Exactly one of nodes, master, sentinels, dev, or one URL must be given; got ${got}`,
    );
  }
  const way = ways[0];
  if (way !== "master" && given["replicas"] !== undefined) {
    throw new InvalidOptionError(
      "replicas",
      `goes only with master, not with ${way}${way === "dev" ? "; write { dev: { replicas: 2 } }" : ""}`,
    );
  }
  if (way !== "sentinels") {
    for (const name of SENTINEL_ONLY) {
      if (given[name] !== undefined) throw new InvalidOptionError(name, `goes only with sentinels, not with ${way}`);
    }
  }
  if (way === "sentinels") return unseeded(readSentinels(given), redis);
  if (way === "dev") return unseeded(readDev(given["dev"]), redis);
  if (way === "nodes") {
    const nodes = readList("nodes", given["nodes"]);
    if (nodes.length === 0) throw new InvalidOptionError("nodes", "must name at least one node");
    return seeded(
      "nodes",
      nodes,
      nodes.map(() => "unknown" as const),
      redis,
    );
  }
  const replicas = given["replicas"] === undefined ? [] : readList("replicas", given["replicas"]);
  const nodes = [parseNode("master", given["master"]), ...replicas];
  return seeded(
    "master",
    nodes,
    nodes.map((_, index) => (index === 0 ? "master" : "replica")),
    redis,
  );
}

function readList(path: string, value: unknown): ParsedNode[] {
  if (!Array.isArray(value))
    throw new InvalidOptionError(path, `must be an array of addresses; got ${showType(value)}`);
  return value.map((node: unknown, index) => parseNode(`${path}[${index}]`, node));
}

function unseeded(source: NodeSource, redis: Redis): Source {
  return { source, seeds: [], db: (redis.db as number | undefined) ?? 0, shared: {} };
}

function seeded(
  kind: "nodes" | "master",
  nodes: readonly ParsedNode[],
  roles: readonly SeedNode["role"][],
  redis: Redis,
): Source {
  const ids = new Set<string>();
  for (const { id } of nodes) {
    if (ids.has(id)) throw new InvalidOptionError(kind === "nodes" ? "nodes" : "replicas", `names ${id} twice`);
    ids.add(id);
  }
  const first = nodes[0];
  // A password without a user name is the default user's; it must not be joined with another place's user name.
  const own = redis.password === undefined && redis.username === undefined;
  const username = own ? first?.username : redis.username;
  const password = own ? first?.password : redis.password;
  const tls = redis.tls ?? first?.tls;
  const seeds = nodes.map((node, index): SeedNode => {
    const named = node.username !== undefined || node.password !== undefined;
    const plain = node.plainText && redis.tls === undefined;
    return {
      id: node.id,
      address: node.address,
      role: roles[index] ?? "unknown",
      zone: node.zone ?? null,
      tags: node.tags ?? {},
      username: (named ? node.username : username) ?? null,
      password: (named ? node.password : password) ?? null,
      tls: plain ? null : mergedTls(node.tls, tls),
    };
  });
  return {
    source: { kind },
    seeds,
    db: oneDb(nodes, redis.db),
    shared: {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls === undefined ? {} : { tls }),
    },
  };
}

/** `rediss:` says TLS and no more, so certificates of `redisOptions.tls` hold for it; an object of its own stands alone. */
function mergedTls(
  own: ConnectionOptions | undefined,
  shared: ConnectionOptions | undefined,
): ConnectionOptions | null {
  if (own && Object.keys(own).length > 0) return own;
  return shared ?? own ?? null;
}

/** Nodes hold the same databases, so one number holds for all; two would read from elsewhere than was written to. */
function oneDb(nodes: readonly ParsedNode[], shared: number | undefined): number {
  let db = shared;
  for (const node of nodes) {
    if (node.db === undefined) continue;
    if (db !== undefined && db !== node.db) {
      throw new InvalidOptionError(
        "db",
        `must be the same for all nodes; got ${showValue(db)} and, for ${node.id}, ${showValue(node.db)}`,
      );
    }
    db = node.db;
  }
  return db ?? 0;
}

function readSentinels(given: Given): SentinelSource {
  const list = given["sentinels"];
  if (!Array.isArray(list) || list.length === 0) {
    throw new InvalidOptionError(
      "sentinels",
      `must be an array of { host, port } with at least one entry; got ${showType(list)}`,
    );
  }
  const name = given["name"];
  if (typeof name !== "string" || name === "") {
    throw new InvalidOptionError(
      "name",
      `must be the name under which the Sentinels know the master, such as "mymaster"; got ${showValue(name)}`,
    );
  }
  const sentinelTLS = checkTls("sentinelTLS", given["sentinelTLS"]);
  const secure = checkBoolean(
    "enableTLSForSentinelMode",
    OPTION_TABLE.enableTLSForSentinelMode,
    given["enableTLSForSentinelMode"],
  );
  if (sentinelTLS && !secure) {
    throw new InvalidOptionError("sentinelTLS", "takes effect only with enableTLSForSentinelMode: true");
  }
  return {
    kind: "sentinels",
    sentinels: list.map((entry: unknown, index) => readSentinel(`sentinels[${index}]`, entry)),
    name,
    username: checkSecret("sentinelUsername", given["sentinelUsername"]) ?? null,
    password: checkSecret("sentinelPassword", given["sentinelPassword"]) ?? null,
    tls: secure ? (sentinelTLS ?? {}) : null,
    updateSentinels: checkBoolean("updateSentinels", OPTION_TABLE.updateSentinels, given["updateSentinels"]),
  };
}

function readSentinel(path: string, entry: unknown): SentinelSource["sentinels"][number] {
  const given = requireObject(path, entry);
  refuseUnknown(path, given, ["host", "port", "family"]);
  const { host = "127.0.0.1", port = 26_379, family } = given;
  if (typeof host !== "string" || host === "")
    throw new InvalidOptionError(`${path}.host`, `must be a host; got ${showValue(host)}`);
  if (family !== undefined && family !== 0 && family !== 4 && family !== 6) {
    throw new InvalidOptionError(`${path}.family`, `must be 0, 4 or 6; got ${showValue(family)}`);
  }
  return { host, port: checkPort(`${path}.port`, port), ...(family === undefined ? {} : { family }) };
}

function readDev(value: unknown): NodeSource {
  if (value !== true && (typeof value !== "object" || value === null)) {
    throw new InvalidOptionError("dev", `must be true or { replicas, lagMs, port }; got ${showType(value)}`);
  }
  const fields = checkGroup<keyof typeof DEV_FIELDS>(
    "dev",
    { kind: "group", doc: "", fields: DEV_FIELDS },
    value === true ? undefined : value,
  );
  return { kind: "dev", ...fields };
}
