import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A relay between two servers whose connections can be cut, now or in the midst of what passes. */
export class CutProxy {
  readonly #server: Server;
  readonly #links = new Set<readonly [Socket, Socket]>();
  /** Bytes that still pass towards the client of the relay before everything is cut; infinite: no cut is planned. */
  #left = Number.POSITIVE_INFINITY;
  /** Connections that were cut so far. */
  cuts = 0;

  private constructor(private readonly target: number) {
    this.#server = createServer({ noDelay: true }, (near) => this.#accept(near));
  }

  /** Listens on a free port of loopback and relays to `target` there. */
  static async start(target: number): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection, after `bytes` more have passed from the target. */
  cut(bytes = 0): void {
    this.#left = bytes;
    if (bytes === 0) this.#cutNow();
  }

  async stop(): Promise<void> {
    for (const sockets of this.#links) for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    const far = connect({ host: "127.0.0.1", port: this.target, noDelay: true });
    const link = [near, far] as const;
    this.#links.add(link);
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      const passed = chunk.subarray(0, Math.min(chunk.length, this.#left));
      this.#left -= passed.length;
      near.write(passed);
      if (this.#left === 0) this.#cutNow();
    });
    for (const socket of link) {
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#links.delete(link);
        for (const end of link) end.destroy();
      });
    }
  }

  #cutNow(): void {
    this.#left = Number.POSITIVE_INFINITY;
    for (const [near, far] of [...this.#links]) {
      this.cuts++;
      // What has been handed on arrives; then the connection is gone in both directions.
      near.destroySoon();
      far.resetAndDestroy();
    }
  }
}
