import { type Bytes, MapReply } from "../../protocol/resp/reply.js";
import type { Instance } from "./instance.js";
import type { Monitor } from "./monitor.js";

/** What SENTINEL MASTER, REPLICAS and SENTINELS say of one instance. */
export function instanceFields(monitor: Monitor, instance: Instance, nowMs: number): MapReply {
  const { kind } = instance;
  const since = (ms: number): Bytes => String(Number.isFinite(ms) ? Math.max(0, Math.round(nowMs - ms)) : 0);
  const fields: [Bytes, Bytes][] = [
    ["name", kind === "master" ? monitor.name : kind === "sentinel" ? instance.runId : instance.id],
    ["ip", instance.host],
    ["port", String(instance.port)],
    ["runid", instance.runId],
    ["flags", flags(monitor, instance)],
    ["link-pending-commands", "0"],
    ["link-refcount", "1"],
    ["last-ping-sent", instance.link?.waitingSinceMs == null ? "0" : since(instance.lastPingMs)],
    ["last-ok-ping-reply", since(instance.lastOkMs)],
    ["last-ping-reply", since(instance.lastReplyMs)],
  ];
  if (instance.downSinceMs !== null) fields.push(["s-down-time", since(instance.downSinceMs)]);
  fields.push(["down-after-milliseconds", String(monitor.settings.downAfterMs)]);
  if (kind === "sentinel") {
    fields.push(
      ["last-hello-message", since(instance.lastHelloMs)],
      ["voted-leader", instance.vote?.leader ?? "?"],
      ["voted-leader-epoch", String(instance.vote?.epoch ?? 0)],
    );
    return new MapReply(fields);
  }
  fields.push(
    ["info-refresh", since(instance.infoAtMs)],
    ["role-reported", instance.role ?? kind],
    ["role-reported-time", since(instance.roleSinceMs)],
  );
  fields.push(...(kind === "master" ? masterFields(monitor) : replicaFields(instance)));
  return new MapReply(fields);
}

function masterFields(monitor: Monitor): [Bytes, Bytes][] {
  const { settings, replicas, sentinels, configEpoch } = monitor;
  return [
    ["config-epoch", String(configEpoch)],
    ["num-slaves", String(replicas.size)],
    ["num-other-sentinels", String(sentinels.size)],
    ["quorum", String(settings.quorum)],
    ["failover-timeout", String(settings.failoverTimeoutMs)],
    ["parallel-syncs", String(settings.parallelSyncs)],
  ];
}

function replicaFields(instance: Instance): [Bytes, Bytes][] {
  return [
    ["master-link-down-time", String(instance.linkUp ? 0 : instance.linkDownSeconds * 1000)],
    ["master-link-status", instance.linkUp ? "ok" : "err"],
    ["master-host", instance.masterHost || "?"],
    ["master-port", String(instance.masterPort)],
    ["slave-priority", String(instance.priority)],
    ["slave-repl-offset", String(instance.offset)],
    ["replica-announced", instance.announced ? "1" : "0"],
  ];
}

function flags(monitor: Monitor, instance: Instance): string {
  const words: string[] = [];
  if (instance.isDown) words.push("s_down");
  if (instance === monitor.master && monitor.objectivelyDown) words.push("o_down");
  words.push(instance.kind);
  if (instance.link === null || instance.link.closed) words.push("disconnected");
  if (instance === monitor.master && monitor.failover !== "none") words.push("failover_in_progress");
  return words.join(",");
}

/** The lines of INFO's section on what a Sentinel watches. */
export function sentinelSection(monitors: readonly Monitor[]): string[] {
  return [
    `sentinel_masters:${monitors.length}`,
    "sentinel_tilt:0",
    "sentinel_tilt_since_seconds:-1",
    "sentinel_running_scripts:0",
    "sentinel_scripts_queue_length:0",
    "sentinel_simulate_failure_flags:0",
    ...monitors.map((monitor, i) => {
      const { name, master, replicas, sentinels, objectivelyDown } = monitor;
      const status = objectivelyDown ? "odown" : master.isDown ? "sdown" : "ok";
      return `master${i}:name=${name},status=${status},address=${master.host}:${master.port},slaves=${replicas.size},sentinels=${sentinels.size + 1}`;
    }),
  ];
}
