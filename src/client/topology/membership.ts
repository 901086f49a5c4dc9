import { type Address, addressId, type NodeId, translate } from "./address.js";
import { type Draft, patchNode } from "./draft.js";
import { isLiveReplica, resolve } from "./evidence.js";
import { dropHidden, isSpread, isTurning, noteOtherServer, resolvedAddresses } from "./names.js";
import type { NodeState, Seed } from "./state.js";

/** A list of nodes is somebody else's word; this many are believed. */
export const MAX_NODES = 256;

/** One server may be named by ever new addresses for as long as it lives; the newest so many are told from other nodes. */
const MAX_ALIASES = 64;

export function newNode(
  address: Address & { id: NodeId; path?: string | null },
  origin: NodeState["origin"],
  name: NodeId | null = null,
): NodeState {
  return {
    id: address.id,
    host: address.host,
    port: address.port,
    path: address.path ?? null,
    origin,
    name,
    aliases: [],
    generation: 0,
    lastSeq: Number.NEGATIVE_INFINITY,
    reachable: false,
    info: null,
    runId: null,
    loading: false,
    latencyMs: null,
    goodSentAt: Number.NEGATIVE_INFINITY,
    goodAt: Number.NEGATIVE_INFINITY,
    failures: 0,
    failure: null,
    replicaSeen: null,
    follows: null,
    member: false,
    troubledAt: null,
    unconnectableSince: null,
    unlistedAt: null,
    doubtedAt: null,
    refusedAt: Number.NEGATIVE_INFINITY,
  };
}

/** Whether any question to it has been answered or has failed. */
export function isSettled(node: NodeState): boolean {
  return node.info !== null || node.failures > 0;
}

function addNode(
  draft: Draft,
  address: Address & { id: NodeId; path?: string },
  origin: NodeState["origin"],
  name: NodeId | null = null,
): void {
  if (draft.nodes.has(address.id) || draft.nodes.size >= MAX_NODES) return;
  draft.nodes.set(address.id, newNode(address, origin, name));
  const { id, host, port, path } = address;
  draft.membership.push({ type: "addNode", node: id, address: path === undefined ? { host, port } : { path }, name });
  draft.check.add(address.id);
}

/** Adds a node that a server named, unless it is known by this or another address. */
export function addNamed(draft: Draft, raw: Address): void {
  const address = translate(raw, draft.config.natMap);
  const id = resolve(draft, addressId(address));
  addNode(draft, { id, host: address.host, port: address.port }, "discovered");
}

function removeNode(draft: Draft, id: NodeId, aliasOf: NodeId | null): void {
  draft.nodes.delete(id);
  draft.check.delete(id);
  draft.membership.push({ type: "removeNode", node: id, aliasOf });
}

function seedOf(draft: Draft, id: NodeId): Seed | undefined {
  return draft.seeds.find((seed) => seed.id === id);
}

/**
 * A run_id says which process answered. Two addresses with one run_id are one node; when the run_id behind an
 * address changes, its aliases are addresses of their own again. False: `node` is now an alias and gone.
 */
export function noteRunId(draft: Draft, node: NodeState, runId: string | null): boolean {
  if (node.runId !== null && runId !== null && node.runId !== runId) {
    splitAliases(draft, node, () => true);
    noteOtherServer(draft, node.id);
  }
  if (runId === null) return true;
  for (const other of draft.nodes.values()) {
    if (other.id === node.id || other.runId !== runId) continue;
    const keepsOther = precedes(draft, other.id, node.id);
    merge(draft, keepsOther ? other.id : node.id, keepsOther ? node.id : other.id);
    if (keepsOther) return false;
  }
  return true;
}

/**
 * The address that was known first gives the node its name. A name whose answers turn comes last, unless it is the master:
 * each of its connections may lead to another server.
 */
function precedes(draft: Draft, a: NodeId, b: NodeId): boolean {
  const isVague = (id: NodeId): boolean => isTurning(draft, id) && draft.adopted?.node !== id;
  if (isVague(a) !== isVague(b)) return isVague(b);
  for (const id of draft.nodes.keys()) {
    if (id === a) return true;
    if (id === b) return false;
  }
  return false;
}

function merge(draft: Draft, keep: NodeId, drop: NodeId): void {
  const kept = draft.nodes.get(keep);
  const dropped = draft.nodes.get(drop);
  if (kept === undefined || dropped === undefined) return;
  const aliases = [...kept.aliases, drop, ...dropped.aliases];
  const forgotten = surplusOf(draft, aliases);
  for (const alias of aliases) {
    if (forgotten.has(alias)) draft.aliasOf.delete(alias);
    else draft.aliasOf.set(alias, keep);
  }
  patchNode(draft, keep, {
    aliases: aliases.filter((alias) => !forgotten.has(alias)),
    member: kept.member || dropped.member,
    replicaSeen: kept.replicaSeen ?? dropped.replicaSeen,
  });
  if (draft.adopted?.node === drop) draft.adopted = { ...draft.adopted, node: keep };
  removeNode(draft, drop, keep);
}

/** The oldest; never what the application named. One that is named again is asked again, and found to be this node. */
function surplusOf(draft: Draft, aliases: readonly NodeId[]): ReadonlySet<NodeId> {
  const surplus = Math.max(0, aliases.length - MAX_ALIASES);
  return new Set(aliases.filter((alias) => seedOf(draft, alias) === undefined).slice(0, surplus));
}

/** While a node can't be reached by its name, what the application named and led to it may lead elsewhere by now. */
export function splitSeedAliases(draft: Draft, id: NodeId): void {
  const node = draft.nodes.get(id);
  if (node === undefined) return;
  const resolved = resolvedAddresses(draft);
  splitAliases(draft, node, (alias) => seedOf(draft, alias) !== undefined || resolved.has(alias));
}

function splitAliases(draft: Draft, node: NodeState, which: (alias: NodeId) => boolean): void {
  const split = node.aliases.filter(which);
  if (split.length === 0) return;
  patchNode(draft, node.id, { aliases: node.aliases.filter((alias) => !which(alias)) });
  for (const alias of split) {
    draft.aliasOf.delete(alias);
    const seed = seedOf(draft, alias);
    if (seed !== undefined && !isSpread(draft, alias)) addNode(draft, seed, "seed");
  }
}

/**
 * The name itself is a node no longer. One that is connected already stays until the others are there, and then for as
 * long as it is known to be one of them; one that is the master stays for as long as it is that.
 */
function giveWay(draft: Draft, name: NodeId): void {
  const node = draft.nodes.get(name);
  if (node === undefined || draft.adopted?.node === name) return;
  const ids = (draft.names.get(name)?.addresses ?? []).map(({ id }) => id);
  const isOne = ids.some((id) => node.aliases.includes(id));
  const others = ids.map((id) => draft.nodes.get(resolve(draft, id)));
  const awaited = others.some((other) => other === undefined || !isSettled(other));
  if (!node.reachable || (!isOne && !awaited)) forget(draft, node);
}

/** Adds nodes that others name; forgets discovered ones that nobody has named for long and that don't matter. */
export function discover(draft: Draft): void {
  dropHidden(draft);
  for (const name of draft.names.keys()) if (isSpread(draft, name)) giveWay(draft, name);
  const named = new Map<NodeId, Address>();
  const resolved = new Set<NodeId>();
  for (const [id, { address, name }] of resolvedAddresses(draft)) {
    const known = resolve(draft, id);
    resolved.add(known);
    if (!draft.nodes.has(known)) addNode(draft, { id: known, ...address }, "resolved", name);
  }
  const name = (raw: Address): void => {
    const address = translate(raw, draft.config.natMap);
    named.set(resolve(draft, addressId(address)), address);
  };
  for (const word of draft.sentinels.values()) {
    name(word.master);
    if (draft.config.discoverReplicas) word.replicas.forEach(name);
  }
  for (const node of draft.nodes.values()) {
    const { info } = node;
    if (info === null) continue;
    if (isLiveReplica(node) && info.masterHost !== null && isPort(info.masterPort)) {
      name({ host: info.masterHost, port: info.masterPort });
    }
    const ours = draft.adopted !== null && info.replid === draft.adopted.replid;
    if (ours && draft.config.discoverReplicas) info.replicas.forEach(name);
  }
  for (const [id, address] of named) {
    if (!draft.nodes.has(id)) addNode(draft, { id, host: address.host, port: address.port }, "discovered");
  }
  for (const node of [...draft.nodes.values()])
    forgetUnlisted(draft, node, named.has(node.id) || resolved.has(node.id));
}

function isPort(port: number | null): port is number {
  return port !== null && port > 0 && port <= 65535;
}

/** Removes a node; its other names are addresses of their own again. */
function forget(draft: Draft, node: NodeState): void {
  for (const alias of node.aliases) draft.aliasOf.delete(alias);
  removeNode(draft, node.id, null);
}

function forgetUnlisted(draft: Draft, node: NodeState, listed: boolean): void {
  if (node.origin === "seed") return;
  // Only a node that was discovered may have been forgotten by those who told of it; for a name, `dropHidden` has judged.
  const resolved = node.origin === "resolved";
  const kept = listed || draft.adopted?.node === node.id || (node.reachable && node.member && !resolved);
  if (kept) {
    if (node.unlistedAt !== null) patchNode(draft, node.id, { unlistedAt: null });
    return;
  }
  const since = node.unlistedAt ?? draft.now;
  if (resolved || draft.now - since >= draft.config.failoverTimeoutMs) {
    forget(draft, node);
  } else if (node.unlistedAt === null) {
    patchNode(draft, node.id, { unlistedAt: since });
  }
}
