import type { LookupFunction } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { NatMap } from "../connection/ioredis-types.js";
import { InvalidOptionError } from "../errors/kinds.js";
import type { ViewOptions } from "../types.js";
import {
  checkBoolean,
  checkChoice,
  checkGroup,
  checkInteger,
  refuseUnknown,
  requireObject,
  showType,
} from "./check.js";
import { frozenCopy } from "./freeze.js";
import { checkRedisOptions } from "./redis-options.js";
import type { NodeAccess, NodeSource, ResolvedOptions, SeedNode } from "./resolved.js";
import { resolveSource } from "./source.js";
import { INHERITED_VIEW_OPTIONS, OPTION_TABLE as TABLE, VIEW_ONLY_TABLE } from "./table.js";
import type { ClientTransport, Credentials, ReplicatedClientOptions } from "./types.js";
import { DEFAULT_VIEW, resolveView } from "./view.js";

/**
 * Checks what `new ReplicatedClient()` was given and fills in the defaults. The result is frozen all the way down.
 * @throws InvalidOptionError that names the option, the value unless it could be secret, and what is allowed
 */
export function resolveOptions(input: string | ReplicatedClientOptions): ResolvedOptions {
  if (typeof input !== "string" && (typeof input !== "object" || input === null || Array.isArray(input))) {
    throw new InvalidOptionError("", `The client needs a URL or an object of options; got ${showType(input)}`);
  }
  const given: Readonly<Record<string, unknown>> = typeof input === "string" ? {} : requireObject("", input);
  refuseMisplaced(given);
  refuseUnknown("", given, Object.keys(TABLE));

  const redis = checkRedisOptions(given["redisOptions"]);
  const { source, seeds, db, shared } = resolveSource(typeof input === "string" ? input : given, redis);
  const discoverReplicas = checkBoolean("discoverReplicas", TABLE.discoverReplicas, given["discoverReplicas"]);
  const viewOptions: Record<string, unknown> = {};
  for (const name of INHERITED_VIEW_OPTIONS) viewOptions[name] = given[name];
  const view = resolveView(viewOptions as ViewOptions, DEFAULT_VIEW);
  const namesReplicas =
    source.kind === "nodes"
      ? seeds.length > 1
      : source.kind === "dev"
        ? source.replicas > 0
        : seeds.some((seed) => seed.role === "replica");
  if (view.readFrom === "replica" && !namesReplicas && (!discoverReplicas || source.kind === "dev")) {
    throw new InvalidOptionError(
      "readFrom",
      'must not be "replica" when there can be no replica: none is named and none is discovered',
    );
  }
  const integer = (
    name:
      | "pollIntervalMs"
      | "heartbeatTimeoutMs"
      | "failoverTimeoutMs"
      | "arbitrationMs"
      | "readHoldMs"
      | "lookupIntervalMs"
      | "tokenTtlMs",
  ): number => checkInteger(name, TABLE[name], given[name]) ?? 0;

  return frozenCopy<ResolvedOptions>({
    source,
    seeds,
    redis: { ...redis, ...shared, db },
    db,
    credentials: checkFunction<Credentials>("credentials", given["credentials"]),
    natMap: checkNatMap(given["natMap"]),
    lookup: checkFunction<LookupFunction>("lookup", given["lookup"]),
    lookupIntervalMs: integer("lookupIntervalMs"),
    transport: checkTransport(
      given["transport"],
      source,
      seeds,
      shared.tls ?? redis.tls,
      given["lookup"] !== undefined,
    ),
    view,
    hedgePercent: checkInteger("hedgePercent", TABLE.hedgePercent, given["hedgePercent"]) ?? 0,
    discoverReplicas,
    pollIntervalMs: integer("pollIntervalMs"),
    heartbeatTimeoutMs: integer("heartbeatTimeoutMs"),
    failoverTimeoutMs: integer("failoverTimeoutMs"),
    arbitrationMs: integer("arbitrationMs"),
    readHoldMs: integer("readHoldMs"),
    onSplitBrain: checkChoice("onSplitBrain", TABLE.onSplitBrain, given["onSplitBrain"]),
    onHistoryReset: checkChoice("onHistoryReset", TABLE.onHistoryReset, given["onHistoryReset"]),
    lazyConnect: checkBoolean("lazyConnect", TABLE.lazyConnect, given["lazyConnect"]),
    limits: checkGroup("limits", TABLE.limits, given["limits"]),
    circuit: checkGroup("circuit", TABLE.circuit, given["circuit"]),
    pool: checkGroup("pool", TABLE.pool, given["pool"]),
    tokenTtlMs: integer("tokenTtlMs"),
  });
}

/** What it takes to be let in by a node: as its own address says, else (a discovered node) as all share. */
export function accessOf(options: ResolvedOptions, id: string): NodeAccess {
  const seed = options.seeds.find((one) => one.id === id);
  if (seed) return seed;
  const { username, password, tls } = options.redis;
  return {
    username: username ?? null,
    password: password ?? null,
    tls: (tls as ConnectionOptions | undefined) ?? null,
  };
}

/** Zone and tags that the options give a node; a discovered one has none. */
export function labelsOf(options: ResolvedOptions, id: string): Pick<SeedNode, "zone" | "tags"> {
  return options.seeds.find((one) => one.id === id) ?? { zone: null, tags: {} };
}

/** Options that people look for at the top, and where they are instead. */
function refuseMisplaced(given: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(VIEW_ONLY_TABLE, name))
      throw new InvalidOptionError(name, `belongs to a view: client.with({ ${name}: … })`);
    if (name === "host" || name === "port" || name === "path") {
      throw new InvalidOptionError(
        name,
        "is part of an address: { master: { host, port } }, or { nodes: [{ host, port }] }",
      );
    }
    if (Object.hasOwn(TABLE, name)) continue;
    if (
      [
        "username",
        "password",
        "db",
        "tls",
        "keyPrefix",
        "connectTimeout",
        "connectionName",
        "retryStrategy",
        "maxRetriesPerRequest",
        "family",
      ].includes(name)
    ) {
      throw new InvalidOptionError(name, `is an option of ioredis: { redisOptions: { ${name}: … } }`);
    }
  }
}

function checkFunction<T>(path: string, value: unknown): T | null {
  if (value === undefined) return null;
  if (typeof value === "function") return value as T;
  throw new InvalidOptionError(path, `must be a function; got ${showType(value)}`);
}

/** A transport of one's own opens plain streams to hosts and ports. */
function checkTransport(
  value: unknown,
  source: NodeSource,
  seeds: readonly SeedNode[],
  sharedTls: unknown,
  hasLookup: boolean,
): ClientTransport | null {
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || !("connect" in value) || typeof value.connect !== "function")
    throw new InvalidOptionError("transport", `must be an object with connect({ host, port }); got ${showType(value)}`);
  if (hasLookup)
    throw new InvalidOptionError(
      "transport",
      "does not go with lookup, which finds addresses for the machine's sockets",
    );
  if (source.kind === "dev")
    throw new InvalidOptionError("transport", "does not go with dev, whose servers listen on the machine's sockets");
  const tls = source.kind === "sentinels" ? source.tls : null;
  if (tls || sharedTls || seeds.some((seed) => seed.tls !== null))
    throw new InvalidOptionError("transport", "does not go with TLS, which belongs to the machine's sockets");
  const path = seeds.find((seed) => "path" in seed.address);
  if (path) throw new InvalidOptionError("transport", `reaches hosts and ports; ${path.id} is a unix socket`);
  return value as ClientTransport;
}

function checkNatMap(value: unknown): NatMap | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "function") return value as NatMap;
  for (const [from, to] of Object.entries(requireObject("natMap", value))) {
    const { host, port } = requireObject(`natMap.${from}`, to);
    if (typeof host !== "string" || typeof port !== "number") {
      throw new InvalidOptionError(`natMap.${from}`, "must be { host: string, port: number }");
    }
  }
  return value as NatMap;
}
