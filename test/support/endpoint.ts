import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Where one server listens. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * An address behind which there are several servers, as a name with several addresses or a balancer: each new connection
 * is led to the next of them. Connections that exist stay where they are.
 */
export class Endpoint {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next = 0;
  /** How many connections were led to each port so far. */
  readonly led = new Map<number, number>();

  private constructor(private places: readonly Place[]) {
    this.#server = createServer({ noDelay: true }, (near) => this.#accept(near));
  }

  static async start(...places: readonly Place[]): Promise<Endpoint> {
    const endpoint = new Endpoint(places);
    await new Promise<void>((resolve, reject) => {
      endpoint.#server.once("error", reject);
      endpoint.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    return endpoint;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get id(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on new connections are led to these. */
  lead(...places: readonly Place[]): void {
    this.places = places;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    const place = this.places[this.#next++ % this.places.length];
    if (place === undefined) {
      near.destroy();
      return;
    }
    this.led.set(place.port, (this.led.get(place.port) ?? 0) + 1);
    const far = connect(place.port, place.host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
