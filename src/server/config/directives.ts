/** How a directive's value is read, checked and shown. */
export type Kind =
  | { readonly kind: "bool" }
  /** With `optional` the empty text means "not set": CONFIG REWRITE leaves the line out. */
  | { readonly kind: "text"; readonly optional: boolean }
  | { readonly kind: "integer"; readonly min: bigint; readonly max: bigint; readonly octal?: boolean }
  /** Bytes, with units (`1mb`, `1m`, `1g` …); with `percent` a share such as `5%` is taken too. */
  | { readonly kind: "memory"; readonly min: bigint; readonly max: bigint; readonly percent?: boolean }
  | { readonly kind: "choice"; readonly choices: readonly string[] }
  /** Several words with a grammar of their own: see `parse-special.ts`. */
  | { readonly kind: "special" };

/** One directive of redis.conf as redis-server 7.0 knows it. */
export interface Directive {
  readonly name: string;
  /** The older (or newer) name that means the same. */
  readonly alias?: string;
  readonly kind: Kind;
  /** As CONFIG GET shows it. */
  readonly fallback: string;
  /** Only the command line and the config file may set it. */
  readonly immutable?: true;
  /** CONFIG SET needs enable-protected-configs. */
  readonly guarded?: true;
  /** Takes several words. */
  readonly several?: true;
  /** CONFIG GET shows it only where it is asked for by its name. */
  readonly hidden?: true;
  /** CONFIG SET is refused while a dataset is loaded. */
  readonly denyLoading?: true;
}

const INT = 2n ** 31n - 1n;
const UINT = 2n ** 32n - 1n;
const LONG = 2n ** 63n - 1n;
const ULONG = 2n ** 64n - 1n;

type Extra = Omit<Directive, "name" | "kind" | "fallback">;
const IMMUTABLE = { immutable: true } as const;
const SEVERAL = { several: true } as const;
const HIDDEN = { hidden: true } as const;

const bool = (name: string, fallback: "yes" | "no", extra: Extra = {}): Directive => ({
  name,
  kind: { kind: "bool" },
  fallback,
  ...extra,
});
/** A text that is not set when empty. */
const text = (name: string, extra: Extra = {}): Directive => ({
  name,
  kind: { kind: "text", optional: true },
  fallback: "",
  ...extra,
});
/** A text that may be empty and is still set. */
const always = (name: string, fallback: string, extra: Extra = {}): Directive => ({
  name,
  kind: { kind: "text", optional: false },
  fallback,
  ...extra,
});
const integer = (
  name: string,
  fallback: number,
  min: number | bigint,
  max: number | bigint,
  extra: Extra = {},
): Directive => ({
  name,
  kind: { kind: "integer", min: BigInt(min), max: BigInt(max) },
  fallback: String(fallback),
  ...extra,
});
const memory = (
  name: string,
  fallback: number,
  min: number | bigint,
  max: number | bigint,
  extra: Extra = {},
): Directive => ({
  name,
  kind: { kind: "memory", min: BigInt(min), max: BigInt(max) },
  fallback: String(fallback),
  ...extra,
});
const choice = (name: string, fallback: string, choices: string, extra: Extra = {}): Directive => ({
  name,
  kind: { kind: "choice", choices: choices.split(" ") },
  fallback,
  ...extra,
});
const special = (name: string, fallback: string, extra: Extra = {}): Directive => ({
  name,
  kind: { kind: "special" },
  fallback,
  ...extra,
});

/** Every directive of redis-server 7.0, with its defaults. What the server has no use for is kept and shown. */
export const directives: readonly Directive[] = [
  // Network
  special("bind", "127.0.0.1", SEVERAL),
  text("bind-source-addr"),
  integer("port", 6379, 0, 65535),
  text("unixsocket", IMMUTABLE),
  {
    name: "unixsocketperm",
    kind: { kind: "integer", min: 0n, max: 0o777n, octal: true },
    fallback: "0",
    immutable: true,
  },
  integer("tcp-backlog", 511, 0, INT, IMMUTABLE),
  integer("tcp-keepalive", 300, 0, INT),
  integer("timeout", 0, 0, INT),
  integer("socket-mark-id", 0, 0, UINT, IMMUTABLE),
  bool("protected-mode", "yes"),
  integer("maxclients", 10000, 1, UINT),
  {
    name: "maxmemory-clients",
    kind: { kind: "memory", min: -100n, max: LONG, percent: true },
    fallback: "0",
  },
  memory("client-query-buffer-limit", 1073741824, 1024 * 1024, LONG),
  memory("proto-max-bulk-len", 536870912, 1024 * 1024, LONG),
  special("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", SEVERAL),
  text("requirepass"),
  choice("enable-protected-configs", "no", "no yes local", IMMUTABLE),
  choice("enable-debug-command", "no", "no yes local", IMMUTABLE),
  choice("enable-module-command", "no", "no yes local", IMMUTABLE),
  integer("io-threads", 1, 1, 128, IMMUTABLE),
  bool("io-threads-do-reads", "no", IMMUTABLE),

  // Process and log
  bool("daemonize", "no", IMMUTABLE),
  choice("supervised", "no", "upstart systemd auto no", IMMUTABLE),
  text("pidfile", IMMUTABLE),
  choice("loglevel", "notice", "debug verbose notice warning"),
  always("logfile", "", IMMUTABLE),
  bool("syslog-enabled", "no", IMMUTABLE),
  always("syslog-ident", "redis", IMMUTABLE),
  choice("syslog-facility", "local0", "user local0 local1 local2 local3 local4 local5 local6 local7", IMMUTABLE),
  bool("crash-log-enabled", "yes"),
  bool("crash-memcheck-enabled", "yes"),
  bool("always-show-logo", "no", IMMUTABLE),
  bool("set-proc-title", "yes", IMMUTABLE),
  always("proc-title-template", "{title} {listen-addr} {server-mode}"),
  bool("disable-thp", "yes", IMMUTABLE),
  always("ignore-warnings", ""),
  choice("oom-score-adj", "no", "no yes relative absolute"),
  special("oom-score-adj-values", "0 200 800", SEVERAL),
  integer("shutdown-timeout", 10, 0, INT),
  choice("shutdown-on-sigint", "default", "default save nosave now force", SEVERAL),
  choice("shutdown-on-sigterm", "default", "default save nosave now force", SEVERAL),
  text("server_cpulist", IMMUTABLE),
  text("bio_cpulist", IMMUTABLE),
  text("aof_rewrite_cpulist", IMMUTABLE),
  text("bgsave_cpulist", IMMUTABLE),

  // Access control
  always("aclfile", "", IMMUTABLE),
  integer("acllog-max-len", 128, 0, LONG),
  choice("acl-pubsub-default", "resetchannels", "allchannels resetchannels"),

  // Keyspace and memory
  integer("databases", 16, 1, INT, IMMUTABLE),
  integer("hz", 10, 0, INT),
  bool("dynamic-hz", "yes"),
  integer("active-expire-effort", 1, 1, 10),
  bool("activerehashing", "yes"),
  special("notify-keyspace-events", ""),
  integer("hash-max-listpack-entries", 512, 0, LONG, { alias: "hash-max-ziplist-entries" }),
  memory("hash-max-listpack-value", 64, 0, LONG, { alias: "hash-max-ziplist-value" }),
  integer("list-max-listpack-size", -2, -INT - 1n, INT, { alias: "list-max-ziplist-size" }),
  integer("list-compress-depth", 0, 0, INT),
  integer("set-max-intset-entries", 512, 0, LONG),
  integer("zset-max-listpack-entries", 128, 0, LONG, { alias: "zset-max-ziplist-entries" }),
  memory("zset-max-listpack-value", 64, 0, LONG, { alias: "zset-max-ziplist-value" }),
  memory("hll-sparse-max-bytes", 3000, 0, LONG),
  memory("stream-node-max-bytes", 4096, 0, LONG),
  integer("stream-node-max-entries", 100, 0, LONG),
  memory("maxmemory", 0, 0, ULONG),
  choice(
    "maxmemory-policy",
    "noeviction",
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu allkeys-random noeviction",
  ),
  integer("maxmemory-samples", 5, 1, INT),
  integer("maxmemory-eviction-tenacity", 10, 0, 100),
  integer("lfu-log-factor", 10, 0, INT),
  integer("lfu-decay-time", 1, 0, INT),
  bool("lazyfree-lazy-eviction", "no"),
  bool("lazyfree-lazy-expire", "no"),
  bool("lazyfree-lazy-server-del", "no"),
  bool("lazyfree-lazy-user-del", "no"),
  bool("lazyfree-lazy-user-flush", "no"),
  bool("activedefrag", "no"),
  integer("active-defrag-cycle-min", 1, 1, 99),
  integer("active-defrag-cycle-max", 25, 1, 99),
  integer("active-defrag-threshold-lower", 10, 0, 1000),
  integer("active-defrag-threshold-upper", 100, 0, 1000),
  integer("active-defrag-max-scan-fields", 1000, 1, LONG),
  memory("active-defrag-ignore-bytes", 104857600, 1, LONG),
  bool("jemalloc-bg-thread", "yes"),
  integer("tracking-table-max-keys", 1000000, 0, LONG),

  // Observation
  integer("slowlog-log-slower-than", 10000, -1, LONG),
  integer("slowlog-max-len", 128, 0, LONG),
  integer("latency-monitor-threshold", 0, 0, LONG),
  bool("latency-tracking", "yes"),
  special("latency-tracking-info-percentiles", "50 99 99.9", SEVERAL),
  integer("busy-reply-threshold", 5000, 0, LONG, { alias: "lua-time-limit" }),

  // Persistence
  special("save", "", SEVERAL),
  { name: "dir", kind: { kind: "special" }, fallback: ".", guarded: true, denyLoading: true },
  always("dbfilename", "dump.rdb", { guarded: true }),
  bool("rdbchecksum", "yes", IMMUTABLE),
  bool("rdbcompression", "yes"),
  bool("rdb-del-sync-files", "no"),
  bool("rdb-save-incremental-fsync", "yes"),
  bool("stop-writes-on-bgsave-error", "yes"),
  choice("sanitize-dump-payload", "no", "no yes clients"),
  bool("appendonly", "no", { denyLoading: true }),
  always("appendfilename", "appendonly.aof", IMMUTABLE),
  always("appenddirname", "appendonlydir", IMMUTABLE),
  choice("appendfsync", "everysec", "everysec always no"),
  bool("no-appendfsync-on-rewrite", "no"),
  integer("auto-aof-rewrite-percentage", 100, 0, INT),
  memory("auto-aof-rewrite-min-size", 67108864, 0, LONG),
  bool("aof-load-truncated", "yes"),
  bool("aof-use-rdb-preamble", "yes"),
  bool("aof-rewrite-incremental-fsync", "yes"),
  bool("aof-timestamp-enabled", "no"),
  bool("aof-disable-auto-gc", "no"),

  // Replication
  special("replicaof", "", { alias: "slaveof", immutable: true, several: true }),
  text("masteruser"),
  text("masterauth"),
  bool("replica-serve-stale-data", "yes", { alias: "slave-serve-stale-data" }),
  bool("replica-read-only", "yes", { alias: "slave-read-only" }),
  bool("replica-lazy-flush", "no", { alias: "slave-lazy-flush" }),
  bool("replica-ignore-maxmemory", "yes", { alias: "slave-ignore-maxmemory" }),
  bool("replica-ignore-disk-write-errors", "no"),
  integer("replica-priority", 100, 0, INT, { alias: "slave-priority" }),
  bool("replica-announced", "yes"),
  text("replica-announce-ip", { alias: "slave-announce-ip" }),
  integer("replica-announce-port", 0, 0, 65535, { alias: "slave-announce-port" }),
  integer("min-replicas-to-write", 0, 0, INT, { alias: "min-slaves-to-write" }),
  integer("min-replicas-max-lag", 10, 0, INT, { alias: "min-slaves-max-lag" }),
  integer("repl-timeout", 60, 1, INT),
  integer("repl-ping-replica-period", 10, 1, INT, { alias: "repl-ping-slave-period" }),
  memory("repl-backlog-size", 1048576, 1, LONG),
  integer("repl-backlog-ttl", 3600, 0, LONG),
  bool("repl-disable-tcp-nodelay", "no"),
  bool("repl-diskless-sync", "yes"),
  integer("repl-diskless-sync-delay", 5, 0, INT),
  integer("repl-diskless-sync-max-replicas", 0, 0, INT),
  choice("repl-diskless-load", "disabled", "disabled on-empty-db swapdb", { denyLoading: true }),
  choice("propagation-error-behavior", "ignore", "ignore panic panic-on-replicas"),

  // TLS
  integer("tls-port", 0, 0, 65535),
  bool("tls-cluster", "no"),
  bool("tls-replication", "no"),
  choice("tls-auth-clients", "yes", "no yes optional"),
  bool("tls-prefer-server-ciphers", "no"),
  bool("tls-session-caching", "yes"),
  integer("tls-session-cache-size", 20480, 0, INT),
  integer("tls-session-cache-timeout", 300, 0, INT),
  text("tls-cert-file"),
  text("tls-key-file"),
  text("tls-key-file-pass"),
  text("tls-client-cert-file"),
  text("tls-client-key-file"),
  text("tls-client-key-file-pass"),
  text("tls-dh-params-file"),
  text("tls-ca-cert-file"),
  text("tls-ca-cert-dir"),
  text("tls-protocols"),
  text("tls-ciphers"),
  text("tls-ciphersuites"),

  // Cluster: not supported, but a config file may name them
  bool("cluster-enabled", "no", IMMUTABLE),
  always("cluster-config-file", "nodes.conf", IMMUTABLE),
  integer("cluster-node-timeout", 15000, 0, LONG),
  integer("cluster-port", 0, 0, 65535, IMMUTABLE),
  text("cluster-announce-ip"),
  text("cluster-announce-hostname"),
  integer("cluster-announce-port", 0, 0, 65535),
  integer("cluster-announce-bus-port", 0, 0, 65535),
  integer("cluster-announce-tls-port", 0, 0, 65535),
  choice("cluster-preferred-endpoint-type", "ip", "ip hostname unknown-endpoint"),
  integer("cluster-migration-barrier", 1, 0, INT),
  integer("cluster-replica-validity-factor", 10, 0, INT, { alias: "cluster-slave-validity-factor" }),
  bool("cluster-replica-no-failover", "no", { alias: "cluster-slave-no-failover" }),
  bool("cluster-require-full-coverage", "yes"),
  bool("cluster-allow-reads-when-down", "no"),
  bool("cluster-allow-pubsubshard-when-down", "yes"),
  bool("cluster-allow-replica-migration", "yes"),
  memory("cluster-link-sendbuf-limit", 0, 0, ULONG),

  // For those who test redis-server
  integer("rdb-key-save-delay", 0, -INT - 1n, INT, HIDDEN),
  integer("key-load-delay", 0, -INT - 1n, INT, HIDDEN),
  integer("watchdog-period", 0, 0, INT, HIDDEN),
  integer("loading-process-events-interval-bytes", 2097152, 1024, INT, HIDDEN),
  bool("use-exit-on-panic", "no", HIDDEN),
];
