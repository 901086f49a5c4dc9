/** Where a server listens. Compared as text: `localhost` and `127.0.0.1` are two addresses (of one node, once run_ids agree). */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The name of a node: `host:port` (an IPv6 host without brackets), or the path of a unix socket. */
export type NodeId = string;

/** The id of a TCP address. */
export function addressId(address: Address): NodeId {
  return `${address.host}:${address.port}`;
}

/** Splits `host:port` at the last colon, so that IPv6 hosts survive; null if that is not its form. */
export function parseAddress(text: string): Address | null {
  const colon = text.lastIndexOf(":");
  if (colon <= 0) return null;
  const digits = text.slice(colon + 1);
  const port = Number(digits);
  if (digits === "" || !Number.isInteger(port) || port < 0 || port > 65535) return null;
  const host = text.slice(0, colon);
  return { host: host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host, port };
}

/** As ioredis spells it: a table from `host:port` to an address, or a function of that key (null or undefined = unchanged). */
export type NatMap = { readonly [key: string]: Address } | ((key: string) => Address | null | undefined);

/** The address under which the client reaches what a server calls `address`. */
export function translate(address: Address, natMap: NatMap | null): Address {
  if (natMap === null) return address;
  const key = addressId(address);
  const mapped = typeof natMap === "function" ? natMap(key) : Object.hasOwn(natMap, key) ? natMap[key] : undefined;
  return mapped ?? address;
}
