import { Duplex } from "node:stream";
import { ManualClock } from "../../../../src/core/manual-clock.js";
import { seededRandom } from "../../../../src/core/random.js";
import type { Bytes } from "../../../../src/protocol/resp/reply.js";
import { Config } from "../../../../src/server/config/config.js";
import type { ReplicationHooks } from "../../../../src/server/dispatch/hooks.js";
import { StandaloneReplication } from "../../../../src/server/dispatch/standalone.js";
import { ServerCore } from "../../../../src/server/server-core.js";

/** The server's end of a connection that has no socket. */
class Pipe extends Duplex {
  output = "";

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.output += chunk.toString("latin1");
    done();
  }
}

/** A client without a socket: what it sends is worked off at once, what it gets is text. */
export interface Peer {
  /** Sends inline commands, one per line, and returns all that came since the last call, each line end as `|`. */
  send(...lines: string[]): Promise<string>;
  /** All that came since the last call. */
  got(): Promise<string>;
  readonly closed: boolean;
}

/** Replication that notes what it is fed and refuses nothing. */
export class NotingReplication extends StandaloneReplication implements Omit<ReplicationHooks, "feeding" | "role"> {
  override readonly feeding = true as unknown as false;
  readonly stream: string[] = [];

  override feed(...[db, argv]: [number?, (readonly Bytes[])?]): void {
    this.stream.push(`${db}: ${argv?.join(" ")}`);
  }
}

/** A server core on a clock that stands still. */
export function startCore(settings: Readonly<Record<string, string | number>> = {}) {
  const clock = new ManualClock();
  const replication = new NotingReplication();
  const core = new ServerCore({
    clock,
    random: seededRandom(1),
    config: new Config({ "enable-debug-command": "local", ...settings }),
  });
  core.replication = replication;
  const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(() => process.nextTick(resolve)));
  const connect = (host = "127.0.0.1"): Peer => {
    const pipe = new Pipe();
    core.accept(pipe, { peer: { host, port: 5 }, local: { host: "127.0.0.1", port: 6 } });
    const take = (): string => {
      const text = pipe.output.replaceAll("\r\n", "|");
      pipe.output = "";
      return text;
    };
    return {
      async send(...lines) {
        pipe.push(Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1"));
        await turn();
        await turn();
        return take();
      },
      async got() {
        await turn();
        return take();
      },
      get closed() {
        return pipe.destroyed || pipe.writableEnded;
      },
    };
  };
  return { core, clock, replication, connect };
}
