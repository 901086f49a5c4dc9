import { chooseReplica } from "./choose.js";
import type { Instance } from "./instance.js";

/** The replica to promote in the master's place as things stand; null = none is fit. Times in milliseconds. */
export function choosePromotion(
  master: Instance,
  replicas: Iterable<Instance>,
  downAfterMs: number,
  nowMs: number,
): Instance | null {
  const masterDownMs = master.downSinceMs === null ? 0 : nowMs - master.downSinceMs;
  const candidates = [...replicas].map((replica) => ({
    instance: replica,
    host: replica.host,
    port: replica.port,
    priority: replica.priority,
    offset: replica.offset,
    runId: replica.runId,
    isDown: replica.isDown || replica.link === null || replica.link.closed,
    infoAgeMs: nowMs - replica.infoAtMs,
    linkDownMs: replica.linkUp ? 0 : replica.linkDownSeconds * 1000,
  }));
  const limits = { infoAgeMs: Math.max(5000, downAfterMs * 3), linkDownMs: masterDownMs + downAfterMs * 10 };
  return chooseReplica(candidates, limits)?.instance ?? null;
}

/** Tells an instance whom to follow; port 0 = nobody. Its clients are closed, so that they look for the master anew. */
export function followMaster(instance: Instance, host: string, port: number, nowMs: number): void {
  instance.configuredMs = nowMs;
  const slaveOf = port === 0 ? ["SLAVEOF", "NO", "ONE"] : ["SLAVEOF", host, String(port)];
  for (const command of [
    ["MULTI"],
    slaveOf,
    ["CONFIG", "REWRITE"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["CLIENT", "KILL", "TYPE", "pubsub"],
    ["EXEC"],
  ]) {
    instance.link?.send(command);
  }
}
