import { type Address, addressId, type NodeId } from "./address.js";
import type { Draft } from "./draft.js";
import type { LookupInput } from "./input.js";

/** A look-up is somebody else's word; this many addresses of one name are believed. */
const MAX_ADDRESSES = 64;

/**
 * A name that stands for several addresses, such as a reader endpoint or a headless service, is several nodes: over one
 * connection all reads would go to one of the servers. A name with one address stays a node by its name, since what
 * stands behind it may change (a primary endpoint). False: nothing new.
 */
export function noteAddresses(draft: Draft, { name, addresses }: LookupInput): boolean {
  const before = draft.names.get(name);
  if (addresses.length === 0 || !draft.seeds.some((seed) => seed.id === name)) return false;
  if (before === undefined ? addresses.length === 1 : sameAddresses(before, addresses)) return false;
  draft.names.set(name, addresses.slice(0, MAX_ADDRESSES));
  return true;
}

/** All addresses that names stand for, each with its name. */
export function resolvedAddresses(draft: Draft): Map<NodeId, { readonly address: Address; readonly name: NodeId }> {
  const all = new Map<NodeId, { readonly address: Address; readonly name: NodeId }>();
  for (const [name, addresses] of draft.names)
    for (const { host, port } of addresses) {
      const id = addressId({ host, port });
      if (!all.has(id)) all.set(id, { address: { host, port }, name });
    }
  return all;
}

/** The order of an answer means nothing: servers change it on purpose. */
function sameAddresses(before: readonly Address[], now: readonly Address[]): boolean {
  const ids = new Set(before.map(addressId));
  return ids.size === now.length && now.every((address) => ids.has(addressId(address)));
}
