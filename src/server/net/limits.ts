import type { TimerHandle } from "../../core/clock.js";
import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";

const CYCLE_MS = 1000;

/** What clients may use of the server: output and query buffers, and idle time. Breaking a limit closes the connection. */
export class ClientLimits {
  /** Bytes of output that may wait; 0 = no limit. Replicas' links are replication's business. */
  normalOutput = 0;
  pubsubOutput = 0;
  query = 0;
  #idleMs = 0;
  #timer: TimerHandle | null = null;

  constructor(private readonly server: ServerCore) {
    this.#configure();
    server.config.onChange(() => this.#configure());
  }

  /** To be asked after output was added. */
  checkOutput(client: Client, limit: number): void {
    if (limit > 0 && (client.connection?.backlogBytes ?? 0) > limit) this.#drop(client, "output buffer");
  }

  /** To be asked after input came. */
  checkQuery(client: Client): void {
    if (client.decoder.pendingBytes > this.query) this.#drop(client, "query buffer");
  }

  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#idleMs = 0;
  }

  #drop(client: Client, what: string): void {
    this.server.log("warning", `Client id=${client.id} closed for overcoming of ${what} limits.`);
    client.closing = true;
    client.connection?.destroy();
  }

  #configure(): void {
    const { config } = this.server;
    const words = config.text("client-output-buffer-limit").split(" ");
    this.normalOutput = Number(words[words.indexOf("normal") + 1]);
    this.pubsubOutput = Number(words[words.indexOf("pubsub") + 1]);
    this.query = config.number("client-query-buffer-limit");
    this.#idleMs = config.number("timeout") * 1000;
    if (this.#idleMs > 0) this.#timer ??= this.server.clock.setTimer(() => this.#closeIdle(), CYCLE_MS);
  }

  /** Who waits, listens, or is a replica may be silent. */
  #closeIdle(): void {
    this.#timer = null;
    if (this.#idleMs === 0) return;
    const oldest = this.server.clock.epoch() - this.#idleMs;
    for (const client of [...this.server.clients.values()]) {
      const maySleep = client.isReplica || client.isMasterLink || client.isSubscriber || client.waiter !== null;
      if (!maySleep && client.lastActiveMs < oldest) this.server.kill(client);
    }
    this.#timer = this.server.clock.setTimer(() => this.#closeIdle(), CYCLE_MS);
  }
}
