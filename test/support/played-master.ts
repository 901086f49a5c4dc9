import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { eventually } from "./eventually.js";

/** A listening socket behind which a test plays a master, line by line. */
export class PlayedMaster {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  /** What each connection has sent, oldest connection first. */
  readonly #heard: string[] = [];

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const index = this.#sockets.push(socket) - 1;
      this.#heard.push("");
      socket.on("data", (chunk) => {
        this.#heard[index] += chunk.toString("latin1");
      });
      socket.on("error", () => {});
    });
  }

  /** Listens on a free port of loopback. */
  static async start(): Promise<PlayedMaster> {
    const master = new PlayedMaster();
    await new Promise<void>((resolve, reject) => {
      master.#server.once("error", reject);
      master.#server.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    return master;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections so far. */
  get calls(): number {
    return this.#sockets.length;
  }

  /** Waits until the latest connection has sent something that ends like this; all that it has sent. */
  async heard(end: RegExp): Promise<string> {
    await eventually(() => end.test(this.#heard.at(-1) ?? ""));
    return this.#heard.at(-1) as string;
  }

  /** Sends on the latest connection. */
  say(data: string | Buffer): void {
    this.#sockets.at(-1)?.write(data);
  }

  /** Closes the latest connection. */
  hangUp(): void {
    this.#sockets.at(-1)?.destroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
