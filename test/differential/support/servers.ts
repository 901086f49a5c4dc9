import { DevServer } from "ioreplica/dev";
import { eventually } from "../../support/eventually.js";
import { RawClient, show } from "../../support/raw-client.js";
import { type RedisProcess, startRedis } from "../../support/real-redis.js";
import { comparable } from "./comparable.js";

/** One of the two servers under comparison, with named connections to it. */
export class Side {
  readonly #connections = new Map<string, RawClient>();

  constructor(
    readonly name: "dev" | "real",
    readonly port: number,
  ) {}

  has(name: string): boolean {
    return this.#connections.has(name);
  }

  async connection(name: string): Promise<RawClient> {
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = await RawClient.connect(this.port);
      this.#connections.set(name, connection);
    }
    return connection;
  }

  /** Waits until as many clients are parked in blocking commands. */
  async blocked(count: number): Promise<void> {
    const probe = await this.connection("(probe)");
    await eventually(async () => {
      const info = await probe.call("INFO", "clients");
      return "text" in info && info.text.includes(`blocked_clients:${count}\r\n`);
    });
  }

  closeConnections(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }
}

/** A dev server and a real redis-server, both empty, given the same commands. */
export class Pair {
  private constructor(
    readonly dev: Side,
    readonly real: Side,
    private readonly devServer: DevServer,
    private readonly realServer: RedisProcess,
  ) {}

  static async start(): Promise<Pair> {
    const [devServer, realServer] = await Promise.all([DevServer.start({ port: 0, seed: 7 }), startRedis()]);
    return new Pair(new Side("dev", devServer.port), new Side("real", realServer.port), devServer, realServer);
  }

  get sides(): readonly [Side, Side] {
    return [this.dev, this.real];
  }

  /** Sends the same commands to both and returns the lines that differ, each side's reply in a comparable form. */
  async differences(connection: string, commands: readonly (readonly string[])[]): Promise<string[]> {
    const [dev, real] = await Promise.all(
      this.sides.map(async (side) => (await side.connection(connection)).pipeline(commands)),
    );
    return commands.flatMap((command, index) => {
      const ours = dev?.[index];
      const theirs = real?.[index];
      if (ours === undefined || theirs === undefined) throw new Error("a reply is missing");
      if (show(comparable(command, ours)) === show(comparable(command, theirs))) return [];
      return [`${command.map((arg) => JSON.stringify(arg)).join(" ")}\n  real ${show(theirs)}\n  dev  ${show(ours)}`];
    });
  }

  /** Both empty, every connection new and speaking this version of RESP. */
  async reset(resp: 2 | 3, connection = "a"): Promise<void> {
    for (const side of this.sides) {
      side.closeConnections();
      const client = await side.connection(connection);
      await client.pipeline([["FLUSHALL"], ["HELLO", String(resp)]]);
    }
  }

  async stop(): Promise<void> {
    for (const side of this.sides) side.closeConnections();
    await Promise.all([this.devServer.stop(), this.realServer.stop()]);
  }
}
