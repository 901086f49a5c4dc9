import { setTimeout as sleep } from "node:timers/promises";
import { accessOf } from "../../client/options/resolve.js";
import type { ResolvedOptions } from "../../client/options/resolved.js";
import { addressId, translate } from "../../client/topology/address.js";
import { parseReplicationInfo } from "../../protocol/info.js";
import { type AdminConnection, AdminReplyError } from "../admin/connection.js";
import { readSettings } from "../admin/settings.js";
import { type SurveyedNode, type SurveyedSentinel, survey } from "../admin/survey.js";
import { parseFields } from "../processes/info-fields.js";
import type { DeploymentFacts, NodeFacts, SentinelFacts } from "./facts.js";
import { PROBES } from "./rules/access.js";

/** The directives that rules read. */
const DIRECTIVES = [
  ...["appendonly", "save", "repl-backlog-size", "client-output-buffer-limit", "min-replicas-to-write"],
  ...["replica-read-only", "replica-serve-stale-data", "replica-ignore-maxmemory", "repl-timeout"],
  ...[
    "repl-ping-replica-period",
    "maxmemory",
    "maxmemory-policy",
    "masterauth",
    "requirepass",
    "protected-mode",
    "bind",
  ],
];

/** Asks everything twice, `seconds` apart, so that what grows is seen. Nothing is changed anywhere. */
export async function collect(options: ResolvedOptions, seconds: number, timeoutMs: number): Promise<DeploymentFacts> {
  const found = await survey(options, timeoutMs);
  try {
    const began = performance.now();
    const first = await Promise.all(found.nodes.map((node) => nodeFacts(node, options)));
    await sleep(seconds * 1000);
    const nodes = await Promise.all(
      first.map((facts, index) => again(facts, found.nodes[index]?.connection ?? null, began)),
    );
    return {
      nodes,
      sentinels: found.sentinels.map((sentinel) => sentinelFacts(sentinel, options)),
      at: Date.now(),
      failoverTimeoutMs: options.failoverTimeoutMs,
    };
  } finally {
    found.close();
  }
}

async function nodeFacts(node: SurveyedNode, options: ResolvedOptions): Promise<NodeFacts> {
  const { id, address, aliases, toldBy, problem, info, replication, connection } = node;
  const access = accessOf(options, id);
  const remote = "host" in address && !/^(127\.|::1$|localhost$)/.test(address.host);
  const facts = {
    id,
    aliases,
    toldBy,
    problem,
    replication,
    info,
    settings: null,
    denied: [],
    growth: null,
    clock: null,
    certificateEndsAt: connection?.certificateEndsAt ?? null,
    passwordInPlainText: remote && access.password !== null && access.tls === null,
  };
  if (connection === null) return facts;
  try {
    const [settings, denied, clock] = await Promise.all([
      readSettings(connection, DIRECTIVES),
      deniedTo(connection),
      clockOf(connection),
    ]);
    return { ...facts, settings, denied, clock };
  } catch (error) {
    return { ...facts, problem: (error as Error).message, replication: null };
  }
}

async function deniedTo(connection: AdminConnection): Promise<string[]> {
  const answers = await Promise.all(
    Object.entries(PROBES).map(async ([command, words]) => {
      const answer = await connection.ask(...words);
      return answer instanceof AdminReplyError && answer.code === "NOPERM" ? [command] : [];
    }),
  );
  return answers.flat();
}

async function clockOf(connection: AdminConnection): Promise<NodeFacts["clock"]> {
  const sentAt = Date.now();
  const time = await connection.ask("TIME");
  const roundTripMs = Date.now() - sentAt;
  if (!Array.isArray(time)) return null;
  const theirs = Number(time[0]) * 1000 + Number(time[1]) / 1000;
  return { aheadMs: theirs - (sentAt + roundTripMs / 2), errorMs: roundTripMs / 2 + 1 };
}

/** The second look: the newer INFO, and what has grown since the first. */
async function again(facts: NodeFacts, connection: AdminConnection | null, began: number): Promise<NodeFacts> {
  if (connection === null || facts.replication === null) return facts;
  try {
    const info = parseFields(String(await connection.call("INFO")));
    const replication = parseReplicationInfo(String(await connection.call("INFO", "replication")));
    const grown = (field: string): number => Number(info.get(field) ?? 0) - Number(facts.info.get(field) ?? 0);
    const growth = {
      seconds: (performance.now() - began) / 1000,
      bytes: Math.max(0, replication.offset - facts.replication.offset),
      fullSyncs: Math.max(0, grown("sync_full")),
    };
    return { ...facts, info, replication, growth };
  } catch (error) {
    return { ...facts, problem: (error as Error).message, replication: null };
  }
}

function sentinelFacts(sentinel: SurveyedSentinel, options: ResolvedOptions): SentinelFacts {
  const { id, problem, master, fields, replicas, others } = sentinel;
  return {
    id,
    problem,
    master: master === null ? null : addressId(translate(master, options.natMap)),
    quorum: Number(fields.get("quorum") ?? 0),
    downAfterMs: Number(fields.get("down-after-milliseconds") ?? 0),
    replicas: replicas.length,
    others: others.length,
  };
}
