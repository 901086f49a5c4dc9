import { connect, type Socket } from "node:net";

/** A reply as it stood on the wire: the type byte and the bytes (latin1), or the elements. Nulls: `$-1`, `*-1`, `_`. */
export type Wire =
  | { readonly type: "+" | "-" | ":" | "$" | "," | "#" | "(" | "=" | "!"; readonly text: string }
  | { readonly type: "*" | "~" | "%" | ">"; readonly items: readonly Wire[] }
  | { readonly type: "$-1" | "*-1" | "_" };

/** A reply in one readable line, every type byte kept, so that equal lines mean equal bytes. */
export function show(wire: Wire): string {
  if ("text" in wire) return wire.type + JSON.stringify(wire.text);
  if ("items" in wire) return `${wire.type}[${wire.items.map(show).join(" ")}]`;
  return wire.type;
}

/** An array of bulk strings, as clients send commands. */
export function encodeCommand(args: readonly (string | number)[]): Buffer {
  const parts = args.map(String).map((arg) => `$${Buffer.byteLength(arg, "latin1")}\r\n${arg}\r\n`);
  return Buffer.from(`*${args.length}\r\n${parts.join("")}`, "latin1");
}

interface Waiter {
  resolve(wire: Wire): void;
  reject(error: Error): void;
}

/** A bare socket that speaks RESP2 and RESP3 and hides nothing: replies are read in the order of the wire, pushes too. */
export class RawClient {
  readonly #socket: Socket;
  readonly #replies: Wire[] = [];
  readonly #waiters: Waiter[] = [];
  #received: Buffer = Buffer.alloc(0);
  #end: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", (error) => this.#close(error));
    socket.on("close", () => this.#close(new Error("the server closed the connection")));
  }

  /** @param timeoutMs how long a server may take to accept; default 5 s */
  static connect(port: number, host = "127.0.0.1", timeoutMs = 5000): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host });
      const timer = setTimeout(() => socket.destroy(new Error(`no connection to ${host}:${port}`)), timeoutMs);
      socket.once("error", reject);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  get closed(): boolean {
    return this.#end !== null;
  }

  /** The port on this side, by which CLIENT LIST names the connection. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends a command and reads the next reply, whatever it is. */
  call(...args: readonly (string | number)[]): Promise<Wire> {
    this.send(encodeCommand(args));
    return this.read();
  }

  /** Sends all commands in one write and reads as many replies. */
  pipeline(commands: readonly (readonly (string | number)[])[]): Promise<Wire[]> {
    this.send(Buffer.concat(commands.map(encodeCommand)));
    return Promise.all(commands.map(() => this.read()));
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** The next reply; rejects if the connection ends or nothing comes for `timeoutMs` (default 10 s). */
  read(timeoutMs = 10_000): Promise<Wire> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new Error(`no reply within ${timeoutMs} ms`));
      }, timeoutMs);
      const waiter: Waiter = {
        resolve(wire) {
          clearTimeout(timer);
          resolve(wire);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Ends the connection at once. */
  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const parsed = parse(this.#received, 0);
      if (parsed === null) return;
      this.#received = this.#received.subarray(parsed.end);
      const waiter = this.#waiters.shift();
      if (waiter === undefined) this.#replies.push(parsed.wire);
      else waiter.resolve(parsed.wire);
    }
  }

  #close(error: Error): void {
    this.#end ??= error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#end);
  }
}

/** One reply at `at`; null if it is not there whole. */
function parse(buffer: Buffer, at: number): { wire: Wire; end: number } | null {
  const lineEnd = buffer.indexOf("\r\n", at, "latin1");
  if (lineEnd < 0) return null;
  const type = String.fromCharCode(buffer[at] ?? 0);
  const line = buffer.toString("latin1", at + 1, lineEnd);
  const start = lineEnd + 2;
  switch (type) {
    case "+":
    case "-":
    case ":":
    case ",":
    case "#":
    case "(":
      return { wire: { type, text: line }, end: start };
    case "_":
      return { wire: { type }, end: start };
    case "$":
    case "=":
    case "!": {
      if (line === "-1") return { wire: { type: "$-1" }, end: start };
      const end = start + Number(line);
      if (buffer.length < end + 2) return null;
      return { wire: { type, text: buffer.toString("latin1", start, end) }, end: end + 2 };
    }
    case "*":
    case "~":
    case "%":
    case ">": {
      if (line === "-1") return { wire: { type: "*-1" }, end: start };
      const items: Wire[] = [];
      let end = start;
      for (let left = Number(line) * (type === "%" ? 2 : 1); left > 0; left--) {
        const item = parse(buffer, end);
        if (item === null) return null;
        items.push(item.wire);
        end = item.end;
      }
      return { wire: { type, items }, end };
    }
    default:
      throw new Error(`not RESP: ${JSON.stringify(buffer.toString("latin1", at, at + 40))}`);
  }
}
