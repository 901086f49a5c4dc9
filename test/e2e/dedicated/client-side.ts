import { EventEmitter } from "node:events";
import { Command } from "ioredis";
import type { Target } from "../../../src/client/connection/address.js";
import { DedicatedConnections } from "../../../src/client/connection/dedicated/dedicated-connections.js";
import type { DedicatedCall, DedicatedHost, UserCommand } from "../../../src/client/connection/dedicated/host.js";
import type { TransactionConnection } from "../../../src/client/connection/dedicated/transaction-connection.js";
import { NodeConnection } from "../../../src/client/connection/node-connection.js";
import { NoMasterError } from "../../../src/client/errors.js";
import type { PoolOptions } from "../../../src/client/options.js";
import { resolveOptions } from "../../../src/client/options.js";
import { systemClock } from "../../../src/core/clock.js";
import { seededRandom } from "../../../src/core/random.js";

const NOBODY = { isLone: () => true, wantsFence: () => false, fenceSending() {}, fenced() {}, closed() {} };

export interface Server {
  readonly host: string;
  readonly port: number;
}

const targetOf = ({ host, port }: Server): Target => ({ node: `${host}:${port}`, endpoint: { host, port } });

/** The part of a client that dedicated connections need, with a master that the test names. */
export class ClientSide {
  readonly events = new EventEmitter();
  readonly checked: string[] = [];
  /** Connections asked for so far. */
  connecting = 0;
  readonly dedicated: DedicatedConnections;
  #master: Server | null;
  #generation = 0;

  constructor(
    master: Server | null,
    settings: { pool?: PoolOptions; failoverTimeoutMs?: number; password?: string } = {},
  ) {
    this.#master = master;
    const { password, ...rest } = settings;
    const options = resolveOptions({
      nodes: [{ host: "127.0.0.1", port: master?.port ?? 1, password }],
      pollIntervalMs: 50,
      heartbeatTimeoutMs: 200,
      ...rest,
    });
    const openOptions = async ({ endpoint }: Target) => ({ endpoint, redis: { ...options.redis } });
    const host: DedicatedHost = {
      clock: systemClock,
      random: seededRandom(1),
      options,
      master: async (command) => {
        const deadline = performance.now() + options.failoverTimeoutMs;
        while (!this.#master) {
          if (performance.now() > deadline) throw new NoMasterError(options.failoverTimeoutMs, [], { command });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return targetOf(this.#master);
      },
      currentMaster: () => (this.#master ? targetOf(this.#master).node : null),
      connect: async (target) => {
        this.connecting++;
        const connection = new NodeConnection(
          target.node,
          ++this.#generation,
          { ...(await openOptions(target)), connectTimeoutMs: 60_000 },
          systemClock,
          NOBODY,
        );
        await connection.open({ node: target.node, commands: false, kill: null });
        return connection;
      },
      openOptions,
      requestCheck: (node) => this.checked.push(node),
    };
    this.dedicated = new DedicatedConnections(host, this.events);
  }

  /** Another server is the master from now on. */
  follow(master: Server): void {
    this.#master = master;
    this.dedicated.masterChanged(targetOf(master).node);
  }

  loseMaster(): void {
    this.#master = null;
  }

  /** Runs a blocking command as the client would: the reply is decoded by ioredis's own Command. */
  block(name: string, args: (string | number | Buffer)[], call: Partial<DedicatedCall> = {}): Promise<unknown> {
    return decoded(command(name, args), (each) =>
      this.dedicated.block(each, { db: 0, readOnly: false, timeoutMs: null, signal: null, ...call }),
    );
  }

  subscriber(name: string, ...channels: (string | Buffer)[]): Promise<unknown> {
    return this.dedicated.subscriber.execute(command(name, channels));
  }
}

export function carry(
  transactions: TransactionConnection,
  name: string,
  ...args: (string | number)[]
): Promise<unknown> {
  return decoded(command(name, args), (each) => transactions.carry(each, 0));
}

function command(name: string, args: (string | number | Buffer)[]): Command {
  return new Command(name, args as string[], { replyEncoding: "utf8" });
}

async function decoded(each: Command, run: (each: UserCommand) => Promise<unknown>): Promise<unknown> {
  each.promise.catch(() => {});
  const reply = await run(each as unknown as UserCommand);
  each.resolve(reply as never);
  return each.promise;
}
