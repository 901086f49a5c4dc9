import type { ReplicationInfo } from "../../protocol/replication-info.js";
import type { Settings } from "../admin/settings.js";

/** The directives that a plan looks at. */
export const PLAN_SETTINGS = [
  "masterauth",
  "requirepass",
  "maxmemory",
  "save",
  "appendonly",
  "min-replicas-to-write",
  "replica-announce-ip",
] as const;

/** A node as far as a plan needs it. */
export interface PlanNode {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly replication: ReplicationInfo;
  readonly version: string | null;
  readonly loading: boolean;
  readonly settings: Settings;
}

export interface PlanRequest {
  /** `--to`: id or alias of the replica that is to be master; null = the best one. */
  readonly to: string | null;
  readonly force: boolean;
  /** Bytes that the chosen replica may be behind before writes are stopped for it. */
  readonly maxLagBytes: number;
  /** By id of a node: how the master lists it (`ip`, `port` of its INFO). */
  readonly listed: ReadonlyMap<string, { readonly host: string; readonly port: number }>;
  /** Addresses that were found and couldn't be asked, each with the reason. */
  readonly unreachable: readonly { readonly node: string; readonly reason: string }[];
}

export interface Plan {
  readonly from: string | null;
  readonly to: string | null;
  /** How the servers call the new master: as the old one lists it. */
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Direct replicas of the old master that are to follow the new one. */
  readonly repoint: readonly string[];
  /** Any of these forbids it. */
  readonly refusals: readonly string[];
  readonly warnings: readonly string[];
}

/** Decides whether a switchover can go without loss, and to whom. */
export function planSwitchover(nodes: readonly PlanNode[], request: PlanRequest): Plan {
  const masters = nodes.filter(({ replication }) => replication.role === "master");
  const nobody = (refusal: string): Plan => ({
    from: null,
    to: null,
    address: null,
    repoint: [],
    refusals: [refusal],
    warnings: [],
  });
  const [master, second] = masters;
  if (master === undefined) return nobody("no node that answers is a master");
  if (second !== undefined)
    return nobody(`${masters.map(({ id }) => id).join(" and ")} both are masters: that has to be decided first`);
  const refusals = masterProblems(master);
  const direct = nodes.filter((node) => request.listed.has(node.id));
  const target = chooseTarget(nodes, direct, request, refusals);
  const warnings = request.unreachable.map(({ node, reason }) => `${node} can't be asked (${reason})`);
  if (target === null) return { from: master.id, to: null, address: null, repoint: [], refusals, warnings };
  refusals.push(...targetProblems(master, target, request));
  const others = direct.filter(({ id }) => id !== target.id);
  warnings.push(...risks(master, target, others));
  return {
    from: master.id,
    to: target.id,
    address: request.listed.get(target.id) ?? null,
    repoint: others.map(({ id }) => id),
    refusals,
    warnings,
  };
}

function masterProblems(master: PlanNode): string[] {
  const problems: string[] = [];
  if (olderThan(master.version, [6, 2]))
    problems.push(`${master.id} runs Redis ${master.version}: FAILOVER came with 6.2`);
  if (master.loading) problems.push(`${master.id} is loading its data`);
  const { failoverState } = master.replication;
  if (failoverState !== null && failoverState !== "no-failover")
    problems.push(`a FAILOVER is already under way on ${master.id} (${failoverState}); FAILOVER ABORT ends it`);
  return problems;
}

function chooseTarget(
  nodes: readonly PlanNode[],
  direct: readonly PlanNode[],
  { to }: PlanRequest,
  refusals: string[],
): PlanNode | null {
  if (to !== null) {
    const named = nodes.find(({ id, aliases }) => id === to || aliases.includes(to));
    if (named === undefined) refusals.push(`${to} is no node of this deployment that answers`);
    else if (!direct.includes(named))
      refusals.push(
        named.replication.role === "master"
          ? `${to} is the master already`
          : `${to} is no direct replica of the master, which is what FAILOVER takes`,
      );
    else return named;
    return null;
  }
  const fit = direct.filter(({ replication: r }) => r.linkUp && !r.syncInProgress && r.priority !== 0);
  // As Sentinel chooses: the lowest priority above 0, then the most data.
  const [best] = [...fit].sort(
    ({ replication: a }, { replication: b }) => (a.priority ?? 100) - (b.priority ?? 100) || b.offset - a.offset,
  );
  if (best === undefined)
    refusals.push("there is no replica in sync that could become master (with a priority above 0)");
  return best ?? null;
}

function targetProblems(master: PlanNode, target: PlanNode, { force, maxLagBytes }: PlanRequest): string[] {
  const problems: string[] = [];
  const { replication: r } = target;
  if (!r.linkUp) problems.push(`the link of ${target.id} to its master is down`);
  if (r.syncInProgress) problems.push(`${target.id} is in a full resync`);
  if (r.linkUp && r.replid !== master.replication.replid) problems.push(`${target.id} shows another history`);
  const lag = master.replication.offset - r.offset;
  if (!force && lag > maxLagBytes)
    problems.push(
      `${target.id} is ${lag} bytes behind, ${maxLagBytes} are allowed (--max-lag): writes would stand still for long`,
    );
  if (compareVersions(target.version, master.version) < 0)
    problems.push(
      `${target.id} runs ${target.version}, the master ${master.version}: the newer one may not be able to follow it`,
    );
  if (target.settings?.get("requirepass") && master.settings?.get("masterauth") === "")
    problems.push(`${target.id} wants a password and ${master.id} has no masterauth: it couldn't follow`);
  return problems;
}

function risks(master: PlanNode, target: PlanNode, others: readonly PlanNode[]): string[] {
  const warnings: string[] = [];
  const number = (node: PlanNode, name: string): number => Number(node.settings?.get(name) ?? 0);
  if (target.replication.priority === 0)
    warnings.push(`${target.id} has replica-priority 0: it is not meant to be master`);
  const [before, after] = [number(master, "maxmemory"), number(target, "maxmemory")];
  if (after > 0 && (before === 0 || after < before))
    warnings.push(`maxmemory of ${target.id} is ${after}, of ${master.id} ${before || "unlimited"}`);
  const keeps = ({ settings }: PlanNode): boolean =>
    settings?.get("appendonly") === "yes" || (settings?.get("save") ?? "") !== "";
  if (master.settings !== null && target.settings !== null && keeps(master) && !keeps(target))
    warnings.push(`${master.id} keeps its data on disk, ${target.id} doesn't`);
  const wanted = number(target, "min-replicas-to-write");
  if (wanted > others.length + 1)
    warnings.push(
      `${target.id} wants ${wanted} replicas to write (min-replicas-to-write), ${others.length + 1} will follow`,
    );
  for (const node of others) {
    if (target.settings?.get("requirepass") && node.settings?.get("masterauth") === "")
      warnings.push(`${node.id} has no masterauth and ${target.id} wants a password: it won't be able to follow`);
    if (!node.replication.linkUp) warnings.push(`the link of ${node.id} is down now`);
  }
  for (const { id, settings } of [master, target])
    if (settings === null)
      warnings.push(`${id} doesn't tell its settings (CONFIG GET): passwords and limits are unchecked`);
  return warnings;
}

function olderThan(version: string | null, least: readonly [number, number]): boolean {
  return version !== null && compareVersions(version, least.join(".")) < 0;
}

/** By their numbers; unknown ones are equal to any. */
export function compareVersions(a: string | null, b: string | null): number {
  if (a === null || b === null) return 0;
  const [left, right] = [a, b].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
