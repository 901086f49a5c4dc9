import { connect, type Socket } from "node:net";
import { eventually } from "./eventually.js";

/** A passive replica: asks for a full resync, throws the payload away, and keeps the commands that follow. */
export class ReplicationTap {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #phase: "line" | "length" | "payload" | "stream" = "line";
  #payloadLeft = 0;
  #commands: string[][] = [];
  /** The offset of the stream up to which commands were read. */
  offset = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      while (this.#step());
    });
    socket.on("error", () => {});
  }

  /** Resolves when the stream has begun. */
  static async attach(port: number): Promise<ReplicationTap> {
    const tap = new ReplicationTap(connect({ port, host: "127.0.0.1" }));
    tap.#socket.write("PSYNC ? -1\r\n");
    await eventually(() => tap.#phase === "stream");
    return tap;
  }

  /** The commands read since the last call, each a list of its words, PINGs left out. */
  take(): string[][] {
    return this.#commands.splice(0).filter((words) => words.join(" ") !== "PING");
  }

  /** How many commands wait to be taken. */
  get pending(): number {
    return this.#commands.length;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Consumes one piece of what was received; false if there is not enough. */
  #step(): boolean {
    const buffer = this.#received;
    if (this.#phase === "payload") {
      const size = Math.min(this.#payloadLeft, buffer.length);
      this.#payloadLeft -= size;
      if (this.#payloadLeft === 0) this.#phase = "stream";
      return this.#consume(size);
    }
    if (this.#phase === "stream") return this.#command();
    const end = buffer.indexOf("\n");
    if (end < 0) return false;
    const line = buffer.toString("latin1", 0, end).trim();
    if (this.#phase === "line" && line.startsWith("+FULLRESYNC")) {
      this.offset = Number(line.split(" ")[2]);
      this.#phase = "length";
    } else if (this.#phase === "length" && line.startsWith("$")) {
      this.#payloadLeft = Number(line.slice(1));
      this.#phase = "payload";
    }
    return this.#consume(end + 1);
  }

  #command(): boolean {
    const buffer = this.#received;
    let at = buffer.indexOf("\r\n");
    if (at < 0) return false;
    const words: string[] = [];
    const count = Number(buffer.toString("latin1", 1, at));
    at += 2;
    for (let i = 0; i < count; i++) {
      const lineEnd = buffer.indexOf("\r\n", at);
      if (lineEnd < 0) return false;
      const size = Number(buffer.toString("latin1", at + 1, lineEnd));
      const start = lineEnd + 2;
      if (buffer.length < start + size + 2) return false;
      words.push(buffer.toString("latin1", start, start + size));
      at = start + size + 2;
    }
    this.#commands.push(words);
    this.offset += at;
    return this.#consume(at);
  }

  #consume(size: number): boolean {
    this.#received = this.#received.subarray(size);
    return size > 0 && this.#received.length > 0;
  }
}
