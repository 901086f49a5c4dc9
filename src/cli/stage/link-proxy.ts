import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { DelayLine } from "./delay-line.js";

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
  readonly #late: DelayLine<Buffer>;
  readonly #upstream: Socket;
  readonly #downstream: Socket;

  constructor(upstream: Socket, downstream: Socket, delayMs: () => number, isHeld: () => boolean, onClose: () => void) {
    this.#upstream = upstream;
    this.#downstream = downstream;
    this.#late = new DelayLine(isHeld, (chunk) => void downstream.write(chunk));
    upstream.on("data", (chunk) => this.#late.push(chunk, delayMs()));
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
    this.#late.pump();
  }

  destroy(): void {
    this.#late.clear();
    this.#upstream.destroy();
    this.#downstream.destroy();
  }
}
