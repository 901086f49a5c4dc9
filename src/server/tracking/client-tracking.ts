import type { Bytes } from "../../protocol/resp/reply.js";

/** What a client has asked for with CLIENT TRACKING ON. */
export interface TrackingOptions {
  /** Id of the client that gets the messages; 0 = the client itself. */
  readonly redirect: number;
  readonly broadcast: boolean;
  readonly optIn: boolean;
  readonly optOut: boolean;
  readonly noLoop: boolean;
}

/** A client's part in client-side caching. */
export interface ClientTracking extends TrackingOptions {
  /** The client that was to get the messages is gone. */
  redirectBroken: boolean;
  /** CLIENT CACHING was said: it counts for the next command, or the next transaction. */
  caching: boolean;
  /** With `broadcast`: beginnings of keys that it wants to hear of. */
  readonly prefixes: Set<Bytes>;
}

/** The flags as CLIENT TRACKINGINFO lists them. */
export function trackingFlags(tracking: ClientTracking | null): string[] {
  if (tracking === null) return ["off"];
  const flags = ["on"];
  if (tracking.broadcast) flags.push("bcast");
  if (tracking.optIn) flags.push("optin", ...(tracking.caching ? ["caching-yes"] : []));
  if (tracking.optOut) flags.push("optout", ...(tracking.caching ? ["caching-no"] : []));
  if (tracking.noLoop) flags.push("noloop");
  if (tracking.redirectBroken) flags.push("broken_redirect");
  return flags;
}

/** Two prefixes that a key could have both: the first pair found, or null. */
export function overlap(prefixes: readonly Bytes[], others: Iterable<Bytes>): readonly [Bytes, Bytes] | null {
  for (const other of others) {
    for (const prefix of prefixes) if (prefix.startsWith(other) || other.startsWith(prefix)) return [prefix, other];
  }
  return null;
}
