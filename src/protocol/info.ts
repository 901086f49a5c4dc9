import type { ReplicationInfo } from "./replication-info.js";

export { type Fence, parseFence } from "./fence.js";

/** A text that was to be an INFO reply and isn't one. Quotes no byte of it: it may be somebody's data. */
export class NotInfoError extends Error {
  readonly code = "NOT_INFO";

  constructor(readonly missing: string) {
    super(`not an INFO reply: no usable field ${missing}`);
    this.name = "NotInfoError";
  }
}

/** What the server sections of INFO say of the process. */
export interface ServerInfo {
  readonly runId: string | null;
  readonly mode: "standalone" | "cluster" | "sentinel";
  readonly version: string | null;
  /** A Valkey that sends a client to the master where it can't serve it, if the client says that it understands (8.0). */
  readonly redirects: boolean;
  readonly tcpPort: number | null;
  readonly availabilityZone: string | null;
  readonly loading: boolean;
}

const ZERO_REPLID = "0".repeat(40);

/**
 * Reads `INFO replication` (or a longer INFO). Strict about role, master_replid and offset, tolerant of
 * unknown fields, of their order and of either line end.
 *
 * @throws NotInfoError
 */
export function parseReplicationInfo(text: string): ReplicationInfo {
  const fields = infoFields(text);
  const role = roleOf(fields.get("role"));
  if (role === null) throw new NotInfoError("role");
  const replid = fields.get("master_replid");
  if (!replid) throw new NotInfoError("master_replid");
  const offsetField = role === "master" ? "master_repl_offset" : "slave_repl_offset";
  const offset = integer(fields, offsetField);
  if (offset === null) throw new NotInfoError(offsetField);
  const replica = role === "replica";
  const replid2 = fields.get("master_replid2");
  return {
    role,
    replid,
    replid2: !replid2 || replid2 === ZERO_REPLID ? null : replid2,
    secondReplOffset: integer(fields, "second_repl_offset") ?? -1,
    offset,
    backlogActive: fields.get("repl_backlog_active") === "1",
    backlogFirstByte: integer(fields, "repl_backlog_first_byte_offset") ?? 0,
    backlogLength: integer(fields, "repl_backlog_histlen") ?? 0,
    masterHost: replica ? (fields.get("master_host") ?? null) : null,
    masterPort: replica ? integer(fields, "master_port") : null,
    linkUp: !replica || fields.get("master_link_status") === "up",
    syncInProgress: replica && fields.get("master_sync_in_progress") === "1",
    lastIoS: replica ? integer(fields, "master_last_io_seconds_ago") : null,
    linkDownSinceS: replica ? integer(fields, "master_link_down_since_seconds") : null,
    priority: integer(fields, "slave_priority"),
    announced: fields.get("replica_announced") !== "0",
    failoverState: fields.get("master_failover_state") ?? null,
    goodReplicas: integer(fields, "min_slaves_good_slaves"),
    replicas: replicaList(fields),
  };
}

/**
 * Reads the sections server and persistence; a section that wasn't asked for leaves its fields null.
 *
 * @throws NotInfoError if the text has neither
 */
export function parseServerInfo(text: string): ServerInfo {
  const fields = infoFields(text);
  const loading = fields.get("loading");
  const runId = fields.get("run_id") ?? null;
  if (runId === null && loading === undefined) throw new NotInfoError("run_id");
  const mode = fields.get("redis_mode") ?? fields.get("server_mode");
  return {
    runId,
    mode: mode === "cluster" || mode === "sentinel" ? mode : "standalone",
    version: fields.get("valkey_version") ?? fields.get("redis_version") ?? null,
    redirects: Number.parseInt(fields.get("valkey_version") ?? "0", 10) >= 8,
    tcpPort: integer(fields, "tcp_port"),
    availabilityZone: fields.get("availability_zone") || null,
    loading: loading === "1",
  };
}

function infoFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const raw of text.split("\n")) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function roleOf(word: string | undefined): "master" | "replica" | null {
  if (word === "master") return "master";
  return word === "slave" || word === "replica" ? "replica" : null;
}

function integer(fields: ReadonlyMap<string, string>, name: string): number | null {
  const text = fields.get(name);
  if (text === undefined || text === "") return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** `slave0:ip=…,port=…,state=…,offset=…,lag=…`; a line without a usable address is left out. */
function replicaList(fields: ReadonlyMap<string, string>): ReplicationInfo["replicas"] {
  const list: { host: string; port: number; state: string; offset: number; lagS: number }[] = [];
  for (const [name, value] of fields) {
    if (!isReplicaField(name)) continue;
    const parts = new Map<string, string>();
    for (const part of value.split(",")) {
      const equals = part.indexOf("=");
      if (equals > 0) parts.set(part.slice(0, equals), part.slice(equals + 1));
    }
    const host = parts.get("ip");
    const port = integer(parts, "port");
    if (!host || port === null || port < 1 || port > 65535) continue;
    const state = parts.get("state") ?? "unknown";
    list.push({ host, port, state, offset: integer(parts, "offset") ?? 0, lagS: integer(parts, "lag") ?? -1 });
  }
  return list;
}

function isReplicaField(name: string): boolean {
  if (!name.startsWith("slave") || name.length === 5) return false;
  for (let i = 5; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}
