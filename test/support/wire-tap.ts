import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** What Node.js tells of every socket that connects to a server. */
const CONNECTING = "net.client.socket";

/**
 * Sees what arrives at every TCP socket that this process opens from now on, before whoever reads it does. A relay in
 * between would take turns of the event loop of its own, in which the client under test stands still.
 */
export function wireTap(arrived: (chunk: Buffer) => void): { stop(): void } {
  let stopped = false;
  const watch = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    const emit = socket.emit.bind(socket);
    // A listener would be removed with all others when the client takes the socket over.
    socket.emit = (event: string | symbol, ...rest: unknown[]): boolean => {
      if (event === "data" && !stopped) arrived(rest[0] as Buffer);
      return emit(event, ...rest);
    };
  };
  subscribe(CONNECTING, watch);
  return {
    stop: () => {
      stopped = true;
      unsubscribe(CONNECTING, watch);
    },
  };
}
