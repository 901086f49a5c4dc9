import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { VerbatimReply } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import type { CommandContext } from "../dispatch/context.js";
import type { Command, CommandGroup } from "../dispatch/registry.js";
import type { ServerCore } from "../server-core.js";
import { memoryInfo } from "./support/memory-info.js";

/** INFO. https://redis.io/docs/latest/commands/info/ */
export const infoCommands: CommandGroup = { info };

type Section = (server: ServerCore, ctx: CommandContext) => readonly string[];

/** Every section in Redis's order, with its title. */
const SECTIONS: Readonly<Record<string, readonly [title: string, lines: Section]>> = {
  server: ["Server", serverSection],
  clients: ["Clients", clientsSection],
  memory: ["Memory", memoryInfo],
  persistence: ["Persistence", (server) => server.replication.infoPersistence()],
  stats: ["Stats", statsSection],
  replication: ["Replication", (server) => server.replication.infoReplication()],
  cpu: ["CPU", cpuSection],
  modules: ["Modules", () => []],
  commandstats: ["Commandstats", commandStatsSection],
  errorstats: ["Errorstats", errorStatsSection],
  latencystats: ["Latencystats", latencyStatsSection],
  cluster: ["Cluster", () => ["cluster_enabled:0"]],
  keyspace: ["Keyspace", keyspaceSection],
};
const NOT_BY_DEFAULT = new Set(["commandstats", "latencystats"]);

function info(ctx: CommandContext, args: readonly Bytes[]): Reply {
  return new VerbatimReply("txt", infoText(ctx, args.slice(1)));
}

function infoText(ctx: CommandContext, asked: readonly Bytes[]): string {
  // The one section that monitors ask for, many times a second.
  if (asked.length === 1 && asked[0] === "replication") return section(ctx, "replication");
  const wanted = new Set<string>();
  for (const word of asked.length === 0 ? ["default"] : asked.map((word) => word.toLowerCase())) {
    if (word === "all" || word === "everything") for (const name of Object.keys(SECTIONS)) wanted.add(name);
    else if (word === "default") {
      for (const name of Object.keys(SECTIONS)) if (!NOT_BY_DEFAULT.has(name)) wanted.add(name);
    } else wanted.add(word);
  }
  const parts: string[] = [];
  for (const name of Object.keys(SECTIONS)) if (wanted.has(name)) parts.push(section(ctx, name));
  return parts.join("\r\n");
}

function section(ctx: CommandContext, name: string): string {
  const [title, lines] = SECTIONS[name] as (typeof SECTIONS)[string];
  let text = `# ${title}\r\n`;
  for (const line of lines(ctx.server, ctx)) text += `${line}\r\n`;
  return text;
}

function serverSection(server: ServerCore): string[] {
  const uptimeS = Math.floor((server.clock.epoch() - server.startedMs) / 1000);
  return [
    `redis_version:${REDIS_VERSION}`,
    "redis_git_sha1:00000000",
    "redis_git_dirty:0",
    "redis_build_id:0",
    "redis_mode:standalone",
    `os:${process.platform} ${process.arch}`,
    "arch_bits:64",
    "monotonic_clock:Node.js performance.now",
    "multiplexing_api:libuv",
    "atomicvar_api:none",
    "gcc_version:0.0.0",
    `process_id:${process.pid}`,
    "process_supervised:no",
    `run_id:${server.runId}`,
    `tcp_port:${server.port || server.tlsPort}`,
    `server_time_usec:${server.clock.epoch() * 1000}`,
    `uptime_in_seconds:${uptimeS}`,
    `uptime_in_days:${Math.floor(uptimeS / 86400)}`,
    `hz:${server.config.number("hz")}`,
    `configured_hz:${server.config.number("hz")}`,
    `lru_clock:${Math.floor(server.clock.epoch() / 1000) & 0xffffff}`,
    `executable:${process.argv[1] ?? process.execPath}`,
    `config_file:${server.config.file ?? ""}`,
    "io_threads_active:0",
    ...(server.shutdown?.leftMs == null ? [] : [`shutdown_in_milliseconds:${server.shutdown.leftMs}`]),
  ];
}

function clientsSection(server: ServerCore): string[] {
  let inputMax = 0;
  let outputMax = 0;
  let blocked = server.pause.waitingClients;
  for (const client of server.clients.values()) {
    inputMax = Math.max(inputMax, client.decoder.pendingBytes);
    outputMax = Math.max(outputMax, client.connection?.backlogBytes ?? 0);
    if (client.waiter !== null) blocked++;
  }
  return [
    `connected_clients:${server.clients.size - server.replication.connectedReplicas}`,
    "cluster_connections:0",
    `maxclients:${server.config.number("maxclients")}`,
    `client_recent_max_input_buffer:${inputMax}`,
    `client_recent_max_output_buffer:${outputMax}`,
    `blocked_clients:${blocked}`,
    `tracking_clients:${server.tracking.clientCount}`,
    "clients_in_timeout_table:0",
  ];
}

function statsSection(server: ServerCore): string[] {
  const { stats, keyspace, replication, pubsub } = server;
  const total = server.traffic.total();
  const rate = server.traffic.rates();
  const kilobytes = (perSecond: number): string => (perSecond / 1024).toFixed(2);
  return [
    `total_connections_received:${stats.connectionsReceived}`,
    `total_commands_processed:${stats.commandsProcessed}`,
    `instantaneous_ops_per_sec:${Math.round(rate.commands)}`,
    `total_net_input_bytes:${total.input}`,
    `total_net_output_bytes:${total.output}`,
    `total_net_repl_input_bytes:${total.replicationInput}`,
    `total_net_repl_output_bytes:${total.replicationOutput}`,
    `instantaneous_input_kbps:${kilobytes(rate.input)}`,
    `instantaneous_output_kbps:${kilobytes(rate.output)}`,
    `instantaneous_input_repl_kbps:${kilobytes(rate.replicationInput)}`,
    `instantaneous_output_repl_kbps:${kilobytes(rate.replicationOutput)}`,
    `rejected_connections:${stats.rejectedConnections}`,
    `sync_full:${replication.syncFull}`,
    `sync_partial_ok:${replication.syncPartialOk}`,
    `sync_partial_err:${replication.syncPartialErr}`,
    `expired_keys:${keyspace.expiredKeys}`,
    "expired_stale_perc:0.00",
    "expired_time_cap_reached_count:0",
    `evicted_keys:${server.memory.evictedKeys}`,
    `evicted_clients:${server.memory.evictedClients}`,
    `keyspace_hits:${keyspace.hits}`,
    `keyspace_misses:${keyspace.misses}`,
    `pubsub_channels:${pubsub.channels.size}`,
    `pubsub_patterns:${pubsub.patterns.size}`,
    `pubsubshard_channels:${pubsub.shardChannels.size}`,
    "latest_fork_usec:0",
    `total_forks:${stats.forks}`,
    `migrate_cached_sockets:${server.migration.count}`,
    "slave_expires_tracked_keys:0",
    `tracking_total_keys:${server.tracking.keyCount}`,
    `tracking_total_items:${server.tracking.itemCount}`,
    `tracking_total_prefixes:${server.tracking.prefixCount}`,
    `unexpected_error_replies:${stats.unexpectedErrors}`,
    `total_error_replies:${stats.errorReplies}`,
  ];
}

function cpuSection(): string[] {
  const { user, system } = process.cpuUsage();
  return [
    `used_cpu_sys:${(system / 1e6).toFixed(6)}`,
    `used_cpu_user:${(user / 1e6).toFixed(6)}`,
    "used_cpu_sys_children:0.000000",
    "used_cpu_user_children:0.000000",
  ];
}

/** All commands, subcommands behind their parents. */
function allCommands(server: ServerCore): Command[] {
  return [...server.commands.all()].flatMap((command): Command[] => [
    command,
    ...(command.subcommands?.values() ?? []),
  ]);
}

function latencyStatsSection(server: ServerCore): string[] {
  if (!server.config.flag("latency-tracking")) return [];
  const percents = server.config.text("latency-tracking-info-percentiles").split(" ").filter(Boolean);
  return allCommands(server).flatMap(({ name, latency }) => {
    if (latency === null) return [];
    const figures = percents.map((percent) => `p${percent}=${latency.percentile(Number(percent)).toFixed(3)}`);
    return [`latency_percentiles_usec_${name}:${figures.join(",")}`];
  });
}

function commandStatsSection(server: ServerCore): string[] {
  return allCommands(server).flatMap(({ name, calls, usec, rejectedCalls, failedCalls }) => {
    if (calls === 0 && rejectedCalls === 0) return [];
    const perCall = calls === 0 ? 0 : usec / calls;
    return [
      `cmdstat_${name}:calls=${calls},usec=${Math.round(usec)},usec_per_call=${perCall.toFixed(2)},` +
        `rejected_calls=${rejectedCalls},failed_calls=${failedCalls}`,
    ];
  });
}

function errorStatsSection(server: ServerCore): string[] {
  return [...server.stats.errorsByCode].map(([code, count]) => `errorstat_${code}:count=${count}`);
}

function keyspaceSection(server: ServerCore): string[] {
  return server.databases.flatMap((db) =>
    db.size === 0
      ? []
      : [`db${db.index}:keys=${db.size},expires=${db.volatileSize},avg_ttl=${averageTtl(server, db.index)}`],
  );
}

/** The mean time to live of the first keys that have one: enough for a figure, and bounded. */
function averageTtl(server: ServerCore, index: number): number {
  const db = server.databases[index];
  if (db === undefined || db.volatileSize === 0) return 0;
  let sum = 0;
  let count = 0;
  for (const expireAt of db.someExpiries(100)) {
    sum += Math.max(0, expireAt - server.keyspace.nowMs);
    count++;
  }
  return count === 0 ? 0 : Math.round(sum / count);
}
