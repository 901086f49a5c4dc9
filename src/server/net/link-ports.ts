import type { Transport, TransportStream } from "./transport.js";

/** The near ends of the links that servers of this process have made over one transport. */
interface LinkPorts {
  readonly ends: Set<string>;
  readonly watchers: Set<() => void>;
}

/** Ends are told apart by transport: each has addresses of its own. */
const known = new WeakMap<Transport, LinkPorts>();

/** A server of this process connects to its master by `socket`: whoever accepts it can tell, until it is closed. */
export function noteLink(transport: Transport, socket: TransportStream): void {
  const { ends, watchers } = portsOf(transport);
  socket.once("connect", () => {
    const end = nameOf(socket.localAddress ?? "", socket.localPort ?? 0);
    ends.add(end);
    socket.once("close", () => ends.delete(end));
    for (const watcher of [...watchers]) watcher();
  });
}

/** Whether a peer is a server of this process that connects to its master. It may be known only after it was accepted. */
export function isLink(transport: Transport, peer: { readonly host: string; readonly port: number }): boolean {
  return known.get(transport)?.ends.has(nameOf(peer.host, peer.port)) === true;
}

/** Tells when a link has become known. Returns what ends it. */
export function watchLinks(transport: Transport, changed: () => void): () => void {
  const { watchers } = portsOf(transport);
  watchers.add(changed);
  return () => void watchers.delete(changed);
}

function portsOf(transport: Transport): LinkPorts {
  let ports = known.get(transport);
  if (ports === undefined) known.set(transport, (ports = { ends: new Set(), watchers: new Set() }));
  return ports;
}

/** IPv4 may be told as a part of IPv6 at one end only. */
const nameOf = (host: string, port: number): string => `${host.replace(/^::ffff:/, "")} ${port}`;
