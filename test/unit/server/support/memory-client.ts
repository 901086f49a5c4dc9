import { ReplyDecoder } from "../../../../src/protocol/resp/reply-decoder.js";
import type { MemorySocket, MemoryTransport } from "../../../../src/server/index.js";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A client in memory that knows no time: it sends a command and hands out the reply. */
export class MemoryClient {
  readonly #waiting: Waiting[] = [];
  #raw: string | null = null;
  closed = false;

  private constructor(readonly socket: MemorySocket) {
    const decoder = new ReplyDecoder({
      wantsText: () => true,
      reply: (value) => this.#waiting.shift()?.resolve(value),
      errorReply: (text) => this.#waiting.shift()?.reject(new Error(text)),
      push: () => undefined,
      nestedError: (text) => new Error(text),
    });
    socket.on("data", (chunk: Buffer) => {
      if (this.#raw === null) decoder.write(chunk);
      else this.#raw += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
      for (const waiting of this.#waiting.splice(0)) waiting.reject(new Error("closed"));
    });
  }

  static connect(transport: MemoryTransport, to: { host: string; port: number }): Promise<MemoryClient> {
    const socket = transport.connect({ host: to.host, port: to.port });
    const client = new MemoryClient(socket);
    return new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(client));
      socket.once("error", reject);
    });
  }

  /** The reply; an error reply rejects. */
  run(...args: string[]): Promise<unknown> {
    if (this.closed) return Promise.reject(new Error("closed"));
    const words = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
    this.socket.write(Buffer.from(`*${args.length}\r\n${words}`, "latin1"));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** From now on bytes are kept as they come; the function returned gives all that have come since. */
  raw(): () => string {
    this.#raw = "";
    return () => this.#raw ?? "";
  }

  /** Becomes a replica; the function returned gives all bytes that have come since. */
  follow(): () => string {
    const text = this.raw();
    this.socket.write("PSYNC ? -1\r\n");
    return text;
  }
}
