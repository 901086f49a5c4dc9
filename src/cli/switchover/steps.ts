import { setTimeout as sleep } from "node:timers/promises";
import { parseReplicationInfo } from "../../protocol/info.js";
import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { AdminConnection } from "../admin/connection.js";

/** Between two looks while writes stand still: the new master is there a few milliseconds after the old one stops. */
const LOOK_MS = 5;

/** How a step ended. */
export type Outcome =
  | { readonly kind: "done" }
  /** Nothing was changed, or it was undone. */
  | { readonly kind: "givenUp"; readonly reason: string }
  /** It may have happened, and may still. */
  | { readonly kind: "uncertain"; readonly reason: string };

/** The two nodes of a handover. */
export interface Pair {
  readonly master: AdminConnection;
  readonly target: AdminConnection;
  /** History of the old master. */
  readonly replid: string;
  /** Told of every offset that the old master shows as master. */
  readonly sawOffset: (offset: number) => void;
}

/** INFO replication; null when the server doesn't answer. */
export async function replicationOf(connection: AdminConnection): Promise<ReplicationInfo | null> {
  try {
    return parseReplicationInfo(String(await connection.call("INFO", "replication")));
  } catch {
    return null;
  }
}

/** FAILOVER on the old master, and waiting for its end. On a deadline it is aborted. */
export async function byFailover(
  pair: Pair,
  address: { readonly host: string; readonly port: number },
  options: { readonly timeoutMs: number; readonly force: boolean },
): Promise<Outcome> {
  const force = options.force ? ["FORCE"] : [];
  try {
    await pair.master.call("FAILOVER", "TO", address.host, address.port, ...force, "TIMEOUT", options.timeoutMs);
  } catch (error) {
    return { kind: "givenUp", reason: `FAILOVER was refused: ${(error as Error).message}` };
  }
  // The server gives up by itself after `timeoutMs` of waiting for the replica; what comes after that has no limit there.
  const deadline = performance.now() + options.timeoutMs + 5000;
  for (;;) {
    const ended = await looked(pair);
    if (ended !== null) return ended;
    if (performance.now() > deadline) return abort(pair, options.timeoutMs + 5000);
    await sleep(LOOK_MS);
  }
}

async function looked({ master, target, replid, sawOffset }: Pair): Promise<Outcome | null> {
  const [old, next] = await Promise.all([replicationOf(master), replicationOf(target)]);
  if (old?.role === "master" && old.replid === replid) sawOffset(old.offset);
  if (next?.role === "master" && next.replid2 === replid) return { kind: "done" };
  // Once accepted, FAILOVER shows another state until it has succeeded or was given up.
  if (old?.role === "master" && old.failoverState === "no-failover" && next?.role === "replica")
    return { kind: "givenUp", reason: "the replica did not catch up in time; the old master goes on" };
  return null;
}

async function abort(pair: Pair, waitedMs: number): Promise<Outcome> {
  const answer = await pair.master.ask("FAILOVER", "ABORT").catch((error: Error) => error);
  const next = await replicationOf(pair.target);
  if (next?.role === "master" && next.replid2 === pair.replid) return { kind: "done" };
  const reason = `FAILOVER had no end within ${waitedMs} ms`;
  return answer === "OK" && next?.role === "replica"
    ? { kind: "givenUp", reason: `${reason} and was aborted` }
    : { kind: "uncertain", reason: `${reason}; FAILOVER ABORT: ${String(answer)}` };
}

/** What a handover by Sentinel needs beside the pair: whom it promotes is its own choice. */
export interface SentinelHandover {
  readonly master: AdminConnection;
  readonly replicas: readonly AdminConnection[];
  readonly replid: string;
  readonly sawOffset: (offset: number) => void;
  /** Sends SENTINEL FAILOVER. */
  readonly start: () => Promise<void>;
  readonly timeoutMs: number;
}

/**
 * SENTINEL FAILOVER leaves two masters for eleven seconds and loses what the old one acknowledges meanwhile. So its
 * writes are paused before, until every replica has all of them, and it is made a replica as soon as the new one is
 * there: a paused write is then refused instead of lost.
 *
 * @returns the connection to the new master, with how it ended
 */
export async function bySentinel(
  handover: SentinelHandover,
  addressOf: (replica: AdminConnection) => { readonly host: string; readonly port: number },
): Promise<{ readonly outcome: Outcome; readonly target: AdminConnection | null }> {
  const { master, timeoutMs } = handover;
  const ended = (outcome: Outcome, target: AdminConnection | null = null) => ({ outcome, target });
  // The server ends the pause by itself, should this process die.
  const paused = await master.ask("CLIENT", "PAUSE", timeoutMs * 2, "WRITE");
  if (paused !== "OK") return ended({ kind: "givenUp", reason: `CLIENT PAUSE was refused: ${String(paused)}` });
  try {
    if (!(await allCaughtUp(handover)))
      return ended({ kind: "givenUp", reason: `the replicas did not catch up within ${timeoutMs} ms` });
    try {
      await handover.start();
    } catch (error) {
      return ended({ kind: "givenUp", reason: `SENTINEL FAILOVER was refused: ${(error as Error).message}` });
    }
    const target = await promoted(handover);
    if (target === null)
      return ended({
        kind: "uncertain",
        reason: `Sentinel promoted nobody within ${timeoutMs} ms, and may still: writes to the old master can be lost`,
      });
    const { host, port } = addressOf(target);
    await master.call("REPLICAOF", host, port);
    return ended({ kind: "done" }, target);
  } finally {
    await master.ask("CLIENT", "UNPAUSE").catch(() => null);
  }
}

async function allCaughtUp({ master, replicas, sawOffset, timeoutMs }: SentinelHandover): Promise<boolean> {
  const offset = (await replicationOf(master))?.offset ?? Number.POSITIVE_INFINITY;
  sawOffset(offset);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const infos = await Promise.all(replicas.map(replicationOf));
    if (infos.every((info) => info?.role === "replica" && info.linkUp && info.offset >= offset)) return true;
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
}

async function promoted({ replicas, replid, timeoutMs }: SentinelHandover): Promise<AdminConnection | null> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const infos = await Promise.all(replicas.map(replicationOf));
    const index = infos.findIndex((info) => info?.role === "master" && info.replid2 === replid);
    if (index >= 0) return replicas[index] ?? null;
    if (performance.now() > deadline) return null;
    await sleep(LOOK_MS);
  }
}
