import type { Socket } from "node:net";

/**
 * What a server says unasked to a client that it won't have, before it closes: `ERR max number of clients reached`, or that
 * it runs in protected mode. By the time ioredis has told it, the connection is gone.
 */
export function unaskedError(socket: Socket, told: (text: string) => void): void {
  socket.once("connect", () => {
    socket.once("data", (chunk: Buffer | string) => {
      const text = chunk.toString("latin1");
      if (text.startsWith("-")) told(text.slice(1, 300).split("\r\n", 1)[0] ?? "");
    });
  });
}
