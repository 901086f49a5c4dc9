import { Duplex } from "node:stream";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import { assembleServer } from "../../../../src/server/assemble.js";
import { Config } from "../../../../src/server/config/config.js";
import type { Listening, Transport } from "../../../../src/server/net/transport.js";
import { MemoryStore } from "../../../../src/server/rdb/store.js";

/** The server's end of a connection that has no socket. */
class Pipe extends Duplex {
  output = "";

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.output += chunk.toString("latin1");
    if (this.#stalled === null) done();
    else this.#stalled.push(done);
  }

  #stalled: (() => void)[] | null = null;

  /** The peer reads nothing more, or goes on. */
  stall(on: boolean): void {
    const waiting = this.#stalled ?? [];
    this.#stalled = on ? waiting : null;
    if (!on) for (const done of waiting) done();
  }
}

/** Lets everything run that waits for the turn of the event loop to end. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A peer without a socket. */
export interface Peer {
  /** Sends inline commands, one per line; what has come since the last call, each line end as `|`. */
  send(...lines: string[]): Promise<string>;
  /** What has come since the last call. */
  got(): Promise<string>;
  /** Reads nothing more, or goes on. */
  stall(on: boolean): void;
  readonly closed: boolean;
}

/** The end of a link that a test plays the master on. */
export interface MasterEnd {
  /** What the replica has sent since the last call, each line end as `|`. */
  got(): Promise<string>;
  /** Sends lines to the replica; what it answers. */
  say(...lines: string[]): Promise<string>;
  /** Sends bytes. */
  sayRaw(bytes: Buffer): Promise<string>;
  /** The connection is lost. */
  hangUp(): Promise<void>;
  readonly closed: boolean;
}

/** A transport without sockets: whom a server calls is played by a test. */
class Stage implements Transport {
  readonly isPrivate = true;
  /** Calls that were answered, in order. */
  readonly calls: MasterEnd[] = [];
  /** False: calls hang, as into a cut cable. */
  answering = true;

  listen(): Promise<Listening> {
    return Promise.reject(new Error("nobody listens here"));
  }

  connect(): Pipe {
    const pipe = new Pipe();
    if (!this.answering) return pipe;
    this.calls.push({
      got: () => this.#taken(pipe),
      say: (...lines) => {
        pipe.push(Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1"));
        return this.#taken(pipe);
      },
      sayRaw: (bytes) => {
        pipe.push(bytes);
        return this.#taken(pipe);
      },
      hangUp: async () => {
        pipe.destroy();
        await turn();
      },
      get closed() {
        return pipe.destroyed;
      },
    });
    process.nextTick(() => pipe.emit("connect"));
    return pipe;
  }

  async #taken(pipe: Pipe): Promise<string> {
    await turn();
    const text = pipe.output.replaceAll("\r\n", "|");
    pipe.output = "";
    return text;
  }
}

/** A server with replication, on a clock that stands still, reached without sockets. */
export function startServer(settings: Readonly<Record<string, string | number>> = {}) {
  const clock = new ManualClock();
  const log: string[] = [];
  const stage = new Stage();
  const { core, replication } = assembleServer({
    clock,
    random: seededRandom(1),
    config: new Config({ "repl-diskless-sync": "no", ...settings }),
    store: new MemoryStore(),
    transport: stage,
    log: (_level, text) => log.push(text),
  });
  const connect = (): Peer => {
    const pipe = new Pipe();
    core.accept(pipe, { peer: { host: "127.0.0.1", port: 5 }, local: { host: "127.0.0.1", port: 6 } });
    const got = async (): Promise<string> => {
      await turn();
      const text = pipe.output.replaceAll("\r\n", "|");
      pipe.output = "";
      return text;
    };
    return {
      async send(...lines) {
        pipe.push(Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1"));
        return got();
      },
      got,
      stall: (on) => pipe.stall(on),
      get closed() {
        return pipe.destroyed || pipe.writableEnded;
      },
    };
  };
  /** A replica that has taken its dataset and is online. */
  const attach = async (): Promise<Peer> => {
    const peer = connect();
    await peer.send("REPLCONF listening-port 7");
    await peer.send("PSYNC ? -1");
    clock.advance(0);
    await peer.got();
    await peer.send("REPLCONF ACK 0");
    return peer;
  };
  /** Time passes in steps, so that what is due in each has its effect before the next. */
  const pass = async (ms: number, stepMs = 500): Promise<void> => {
    for (let left = ms; left > 0; left -= stepMs) {
      clock.advance(Math.min(left, stepMs));
      await turn();
    }
  };
  return { core, replication, clock, log, stage, connect, attach, pass };
}
