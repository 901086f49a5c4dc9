import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What a relay may do with what passes; both are called with each chunk, in order. */
export interface RelayHooks {
  /** Bytes on their way to the server. */
  request?(chunk: Buffer, link: RelayLink): void;
  /** Bytes on their way back; `null` keeps them from the client. */
  reply?(chunk: Buffer, link: RelayLink): Buffer | null;
}

/** One connection through the relay. */
export interface RelayLink {
  /** Counts from 1 in the order of accepting. */
  readonly id: number;
  /** Resets it in both directions. */
  reset(): void;
}

/**
 * Stands between a client and a server: watches, swallows, cuts, or passes nothing at all. In front of several servers it
 * is an address that leads to each in turn, as a name with several addresses or a balancer.
 */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Map<Socket, Socket>();
  #accepted = 0;
  #targets: readonly number[];
  /** Bytes that still pass towards the clients before everything is cut; infinite: no cut is planned. */
  #left = Number.POSITIVE_INFINITY;
  #silent = false;
  #waiting: (() => void)[] = [];

  /** Connections that were cut so far. */
  cuts = 0;

  private constructor(
    targets: readonly number[],
    private readonly hooks: RelayHooks,
  ) {
    this.#targets = targets;
    this.#server = createServer({ noDelay: true }, (near) => this.#accept(near));
  }

  /** Listens on a free port of loopback and relays to `target` there; to several ports in turn, connection by connection. */
  static async start(target: number | readonly number[], hooks: RelayHooks = {}): Promise<Relay> {
    const relay = new Relay([target].flat(), hooks);
    await new Promise<void>((resolve, reject) => {
      relay.#server.once("error", reject);
      relay.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted;
  }

  /** New connections go to this port from now on: the address has another machine behind it. */
  retarget(port: number): void {
    this.#targets = [port];
  }

  /** Passes nothing more in either direction and closes nothing, as a firewall that drops; undone by `false`. */
  silence(silent: boolean): void {
    this.#silent = silent;
    if (!silent) for (const pass of this.#waiting.splice(0)) pass();
  }

  /**
   * Ends all connections, once `bytes` more have passed towards the clients: what has passed arrives there, the server
   * finds its side reset.
   */
  cut(bytes = 0): void {
    this.#left = bytes;
    if (bytes === 0) this.#cutNow();
  }

  /** Resets all connections. */
  reset(): void {
    for (const [near, far] of [...this.#sockets]) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    const port = this.#targets[this.#accepted % this.#targets.length] as number;
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#sockets.set(near, far);
    const link: RelayLink = {
      id: ++this.#accepted,
      reset: () => {
        near.resetAndDestroy();
        far.resetAndDestroy();
      },
    };
    near.on("data", (chunk) =>
      this.#pass(() => {
        this.hooks.request?.(chunk, link);
        far.write(chunk);
      }),
    );
    far.on("data", (chunk) =>
      this.#pass(() => {
        const passed = this.hooks.reply === undefined ? chunk : this.hooks.reply(chunk, link);
        if (passed !== null) this.#hand(passed, near);
      }),
    );
    for (const socket of [near, far]) {
      // A reset is an ordinary end here; "close" follows.
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(near);
        near.destroy();
        far.destroy();
      });
    }
  }

  #hand(chunk: Buffer, near: Socket): void {
    const passed = chunk.subarray(0, Math.min(chunk.length, this.#left));
    this.#left -= passed.length;
    near.write(passed);
    if (this.#left === 0) this.#cutNow();
  }

  #cutNow(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const [near, far] of [...this.#sockets]) {
      this.cuts++;
      near.destroySoon();
      far.resetAndDestroy();
    }
  }

  #pass(pass: () => void): void {
    if (this.#silent) this.#waiting.push(pass);
    else pass();
  }
}

/** Relays in front of several servers, and the client options that lead through them. */
export async function relayed(
  servers: readonly { readonly id: string; readonly port: number }[],
  hooks: (server: number) => RelayHooks = () => ({}),
): Promise<{
  relays: Relay[];
  options: { master: string; replicas: string[]; natMap: Record<string, { host: string; port: number }> };
  stop(): Promise<void>;
}> {
  const relays = await Promise.all(servers.map(({ port }, index) => Relay.start(port, hooks(index))));
  const [master = "", ...replicas] = relays.map(({ url }) => url);
  const natMap = Object.fromEntries(
    servers.map(({ id }, index) => [id, { host: "127.0.0.1", port: (relays[index] as Relay).port }]),
  );
  return {
    relays,
    options: { master, replicas, natMap },
    stop: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
    },
  };
}
