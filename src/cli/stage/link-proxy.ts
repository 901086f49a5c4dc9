import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";

/**
 * A relay for the replication link of a real server: what the master sends arrives late, or not at all, while the link
 * stays up and the replica goes on serving. (A process that is stopped to make it lag doesn't serve either.)
 */
export class LinkProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #delayMs = 0;
  #held = false;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
    this.#server = createServer((downstream) => this.#accept(downstream));
  }

  /** Listens on a free loopback port and relays to the target. */
  static async start(target: { readonly host: string; readonly port: number }): Promise<LinkProxy> {
    const proxy = new LinkProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    proxy.#server.unref();
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Bytes of the master wait this long from now on. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Bytes of the master are kept until {@link release}. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const link of this.#links) link.pump();
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(downstream: Socket): void {
    const upstream = createConnection(this.#target);
    const link: Link = new Link(
      upstream,
      downstream,
      () => this.#delayMs,
      () => this.#held,
      () => this.#links.delete(link),
    );
    this.#links.add(link);
  }
}

/** One connection: the replica's bytes pass at once, the master's in their order when they are due. */
class Link {
  readonly #queue: { dueAt: number; chunk: Buffer }[] = [];
  readonly #upstream: Socket;
  readonly #downstream: Socket;
  readonly #isHeld: () => boolean;
  #timer: NodeJS.Timeout | null = null;

  constructor(upstream: Socket, downstream: Socket, delayMs: () => number, isHeld: () => boolean, onClose: () => void) {
    this.#upstream = upstream;
    this.#downstream = downstream;
    this.#isHeld = isHeld;
    upstream.on("data", (chunk) => {
      this.#queue.push({ dueAt: performance.now() + delayMs(), chunk });
      this.pump();
    });
    downstream.on("data", (chunk) => upstream.write(chunk));
    for (const socket of [upstream, downstream]) {
      socket.setNoDelay(true);
      // A reset is the ordinary end of a link here; "close" follows.
      socket.on("error", () => {});
      socket.on("close", () => {
        this.destroy();
        onClose();
      });
    }
  }

  pump(): void {
    if (this.#timer !== null) return;
    for (;;) {
      const head = this.#queue[0];
      if (head === undefined || this.#isHeld()) return;
      const waitMs = head.dueAt - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, waitMs);
        return;
      }
      this.#queue.shift();
      this.#downstream.write(head.chunk);
    }
  }

  destroy(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#queue.length = 0;
    this.#upstream.destroy();
    this.#downstream.destroy();
  }
}
