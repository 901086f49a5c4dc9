import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { DelayLine } from "../../src/cli/stage/delay-line.js";

export type Direction = "toServer" | "toClient";

const DIRECTIONS: readonly Direction[] = ["toServer", "toClient"];
/** What one direction of a connection may keep before its source is read no further. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A relay in front of a server: its connections can be slowed, held in either direction, and reset. */
export class FaultProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #weather: Record<Direction, Weather> = {
    toServer: { delayMs: 0, held: false },
    toClient: { delayMs: 0, held: false },
  };

  private constructor(
    readonly host: string,
    private target: { readonly host: string; readonly port: number },
  ) {
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port of `host`. */
  static async start(
    target: { readonly host: string; readonly port: number },
    host = "127.0.0.1",
  ): Promise<FaultProxy> {
    const proxy = new FaultProxy(host, target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen({ host, port: 0 }, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections are led to this port from now on. */
  retarget(port: number): void {
    this.target = { host: this.target.host, port };
  }

  /** Bytes wait this long from now on. */
  delay(ms: number, directions: readonly Direction[] = DIRECTIONS): void {
    for (const direction of directions) this.#weather[direction].delayMs = ms;
  }

  /** Bytes and ends of connections are kept until {@link clear}; new connections are accepted and stay silent. */
  hold(directions: readonly Direction[] = DIRECTIONS): void {
    for (const direction of directions) this.#weather[direction].held = true;
  }

  /** What was kept arrives, nothing waits any more. */
  clear(): void {
    for (const direction of DIRECTIONS) this.#weather[direction] = { delayMs: 0, held: false };
    for (const link of this.#links) link.pump();
  }

  /** Ends every connection on both sides; what was kept is lost. */
  reset(): void {
    for (const link of [...this.#links]) link.destroy();
  }

  get connections(): number {
    return this.#links.size;
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const server = createConnection({ host: this.target.host, port: this.target.port, noDelay: true });
    const link: Link = new Link(
      client,
      server,
      (direction) => this.#weather[direction],
      () => this.#links.delete(link),
    );
    this.#links.add(link);
  }
}

interface Weather {
  delayMs: number;
  held: boolean;
}

/** One connection. */
class Link {
  readonly #lanes: readonly Lane[];

  constructor(
    client: Socket,
    server: Socket,
    weather: (direction: Direction) => Weather,
    private readonly onEnd: () => void,
  ) {
    const end = (): void => this.destroy();
    this.#lanes = [
      new Lane(client, server, () => weather("toServer"), end),
      new Lane(server, client, () => weather("toClient"), end),
    ];
  }

  pump(): void {
    for (const lane of this.#lanes) lane.pump();
  }

  destroy(): void {
    for (const lane of this.#lanes) lane.destroy();
    this.onEnd();
  }
}

/** One direction: bytes, and at last the end, in their order, each when it is due. */
class Lane {
  readonly #line: DelayLine<Buffer | "end">;
  #bytes = 0;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly weather: () => Weather,
    onEnd: () => void,
  ) {
    this.#line = new DelayLine(
      () => weather().held,
      (what) => (what === "end" ? onEnd() : this.#pass(what)),
    );
    from.on("data", (chunk) => this.#take(chunk));
    // A reset is an ordinary end here; "close" follows.
    from.on("error", () => {});
    from.on("close", () => this.#line.push("end", weather().delayMs));
  }

  pump(): void {
    this.#line.pump();
  }

  destroy(): void {
    this.#line.clear();
    this.from.destroy();
    this.to.destroy();
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes >= MOST_BYTES) this.from.pause();
    this.#line.push(chunk, this.weather().delayMs);
  }

  #pass(chunk: Buffer): void {
    this.#bytes -= chunk.length;
    this.to.write(chunk);
    if (this.from.isPaused() && this.#bytes < MOST_BYTES) this.from.resume();
  }
}
