import { createConnection, type Socket } from "node:net";
import type { Peer, PeerModule, Servers } from "./peer.js";

/**
 * The floor: the least that a client in JavaScript can do that still gives a promise per command. One socket, one
 * write per turn of the event loop, replies found by their line ends. It understands nothing but what GET and SET answer.
 */
class RawSocket implements Peer {
  readonly #socket: Socket;
  #outgoing = "";
  #waiting: ((value: string | null) => void)[] = [];
  #next = 0;
  #rest = "";

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#onData(chunk));
  }

  get(key: string): Promise<string | null> {
    return this.#send(`*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`);
  }

  set(key: string, value: string): Promise<string | null> {
    return this.#send(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`);
  }

  async close(): Promise<void> {
    this.#socket.destroy();
  }

  #send(command: string): Promise<string | null> {
    if (this.#outgoing === "") process.nextTick(() => this.#flush());
    this.#outgoing += command;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #flush(): void {
    this.#socket.write(this.#outgoing, "latin1");
    this.#outgoing = "";
  }

  #onData(chunk: Buffer): void {
    const text = this.#rest + chunk.toString("latin1");
    let at = 0;
    for (;;) {
      const lineEnd = text.indexOf("\r\n", at);
      if (lineEnd < 0) break;
      if (text.charCodeAt(at) !== 36 /* $ */) {
        this.#settle(text.slice(at + 1, lineEnd));
        at = lineEnd + 2;
        continue;
      }
      const length = Number(text.slice(at + 1, lineEnd));
      if (length < 0) {
        this.#settle(null);
        at = lineEnd + 2;
        continue;
      }
      const end = lineEnd + 2 + length;
      if (text.length < end + 2) break;
      this.#settle(text.slice(lineEnd + 2, end));
      at = end + 2;
    }
    this.#rest = text.slice(at);
  }

  #settle(value: string | null): void {
    this.#waiting[this.#next++]?.(value);
    if (this.#next > 4096) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
  }
}

export const rawSocket: PeerModule = {
  version: process.version.slice(1),
  connect: ({ master }: Servers) =>
    new Promise((resolve, reject) => {
      const socket = createConnection(master);
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawSocket(socket)));
    }),
};
