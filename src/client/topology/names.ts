import { type Address, addressId, type NodeId } from "./address.js";
import { askAgain, type Draft } from "./draft.js";
import { resolve } from "./evidence.js";
import type { LookupInput } from "./input.js";
import type { NameState, NodeState, ShownAddress, TopologyState } from "./state.js";

/** A look-up is somebody else's word; this many addresses of one name are believed. */
const MAX_ADDRESSES = 64;

/** After so many intervals of look-ups an address that no answer shows and that doesn't serve is dropped. */
const HIDDEN_INTERVALS = 6;

/**
 * A name that stands for several addresses, such as a reader endpoint or a headless service, is several nodes: over one
 * connection all reads would go to one of the servers. A name with one address stays a node by its name, since what
 * stands behind it may change (a primary endpoint). False: nothing new.
 */
export function noteAddresses(draft: Draft, { name, addresses }: LookupInput): boolean {
  if (addresses.length === 0 || !draft.seeds.some((seed) => seed.id === name)) return false;
  const before = draft.names.get(name);
  const found = addresses.slice(0, MAX_ADDRESSES).map(({ host, port }): ShownAddress => {
    return { id: addressId({ host, port }), host, port, hiddenSince: null };
  });
  const answer = found.map(({ id }) => id);
  if (before !== undefined && isSame(before.answer, answer)) return false;
  const shows = meaningOf(draft, name, before, answer);
  draft.names.set(name, {
    shows,
    answer,
    addresses: shows === "some" ? joined(draft, before?.addresses ?? [], found) : found,
    former: shows === "all" ? formerOf(before, answer) : [],
    led: "here",
  });
  const master = draft.nodes.get(draft.adopted?.node ?? "");
  // Where it led to the master, a failover may be under way.
  if (before !== undefined && master !== undefined && isOf(draft, master, name))
    askAgain(draft, [master.id, ...answer.map((id) => resolve(draft, id)).filter((id) => draft.nodes.has(id))]);
  return true;
}

/**
 * One address after another, while what the first one led to still answers, are two servers: answers turn (as those of a
 * reader endpoint that shows one replica at a time). If nothing answers there any more, or another server already, it has
 * moved. Answers with several addresses have all, until one comes back that was missing.
 */
function meaningOf(
  draft: Draft,
  name: NodeId,
  before: NameState | undefined,
  answer: readonly NodeId[],
): NameState["shows"] {
  const single = answer.length === 1;
  if (before === undefined) return single ? "one" : "all";
  const alive = [...draft.nodes.values()].filter((node) => node.reachable && isOf(draft, node, name));
  const whole = !single && alive.every(({ id, aliases }) => [id, ...aliases].some((each) => answer.includes(each)));
  switch (before.shows) {
    case "one":
      return single ? (alive.length > 0 && before.led === "here" ? "some" : "one") : "all";
    case "all": {
      const replaced = single && before.answer.length === 1;
      const cameBack = answer.some((id) => before.former.includes(id));
      return alive.length > 0 && !whole && (replaced || cameBack) ? "some" : "all";
    }
    case "some":
      return whole ? "all" : "some";
  }
}

/** A node's connection leads to another server than before: if it is the one of a name, its server may have moved. */
export function noteOtherServer(draft: Draft, node: NodeId): void {
  const state = draft.names.get(node);
  if (state?.shows === "one") draft.names.set(node, { ...state, led: "elsewhere" });
}

/** What serves is not put out by what is new. */
function joined(draft: Draft, known: readonly ShownAddress[], found: readonly ShownAddress[]): ShownAddress[] {
  const shown = new Set(found.map(({ id }) => id));
  const stays = (address: ShownAddress): boolean => shown.has(address.id) || serves(draft, address.id);
  const ids = new Set(known.map(({ id }) => id));
  const added = found.filter(({ id }) => !ids.has(id));
  return [...known.filter(stays), ...added, ...known.filter((each) => !stays(each))].slice(0, MAX_ADDRESSES);
}

function formerOf(before: NameState | undefined, answer: readonly NodeId[]): NodeId[] {
  const left = new Set([...(before?.former ?? []), ...(before?.answer ?? [])]);
  return [...left].filter((id) => !answer.includes(id)).slice(-MAX_ADDRESSES);
}

/**
 * Where answers turn, an address that the newest one hasn't stays for as long as it serves, and for a while longer: for
 * `failoverTimeoutMs`, or six intervals of look-ups if that is more. While nobody answers it is the client that is cut off.
 */
export function dropHidden(draft: Draft): void {
  const { failoverTimeoutMs, lookupIntervalMs } = draft.config;
  const hiddenMs = Math.max(failoverTimeoutMs, HIDDEN_INTERVALS * lookupIntervalMs);
  const cutOff = ![...draft.nodes.values()].some(({ reachable }) => reachable);
  for (const [name, state] of draft.names) {
    if (state.shows !== "some") continue;
    const addresses = state.addresses.map((address): ShownAddress => {
      const kept = cutOff || state.answer.includes(address.id) || serves(draft, address.id);
      return { ...address, hiddenSince: kept ? null : (address.hiddenSince ?? draft.now) };
    });
    const isOver = ({ hiddenSince }: ShownAddress) => hiddenSince !== null && draft.now - hiddenSince >= hiddenMs;
    draft.names.set(name, { ...state, addresses: addresses.filter((address) => !isOver(address)) });
  }
}

/** Answers and shows the adopted history. */
function serves({ nodes, aliasOf, adopted }: Draft, id: NodeId): boolean {
  const node = nodes.get(resolve({ aliasOf }, id));
  return node?.reachable === true && (adopted === null || node.info?.replid === adopted.replid);
}

/** The node of the name itself, or of an address of it. */
function isOf(draft: Draft, node: NodeState, name: NodeId): boolean {
  return node.name === name || node.id === resolve(draft, name);
}

/** Whether a name is a node for each of its addresses, and not one itself. */
export function isSpread({ names }: Pick<TopologyState, "names">, name: NodeId): boolean {
  return (names.get(name)?.shows ?? "one") !== "one";
}

/** Whether a name's answers turn, so that each connection through it may lead to another server. */
export function isTurning({ names }: Pick<TopologyState, "names">, name: NodeId): boolean {
  return names.get(name)?.shows === "some";
}

/** All addresses that names stand for, each with its name. */
export function resolvedAddresses(draft: Draft): Map<NodeId, { readonly address: Address; readonly name: NodeId }> {
  const all = new Map<NodeId, { readonly address: Address; readonly name: NodeId }>();
  for (const [name, { addresses }] of draft.names) {
    if (!isSpread(draft, name)) continue;
    for (const { id, host, port } of addresses) if (!all.has(id)) all.set(id, { address: { host, port }, name });
  }
  return all;
}

/** The order of an answer means nothing: servers change it on purpose. */
function isSame(before: readonly NodeId[], now: readonly NodeId[]): boolean {
  const ids = new Set(before);
  return ids.size === now.length && now.every((id) => ids.has(id));
}
