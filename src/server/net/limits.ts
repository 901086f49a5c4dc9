import type { TimerHandle } from "../../core/clock.js";
import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";

const CYCLE_MS = 1000;
/** Bytes of an empty bulk string. */
const SMALLEST_ELEMENT = 6;

/** What may wait for a client to take it: more than `hard` bytes never, more than `soft` not for `softMs`. 0 = no limit. */
interface OutputLimit {
  readonly hard: number;
  readonly soft: number;
  readonly softMs: number;
}

/** What clients may use of the server: output and query buffers, and idle time. Breaking a limit closes the connection. */
export class ClientLimits {
  /** Some output is limited: `checkOutput` has something to do. */
  limitsOutput = false;
  #normal: OutputLimit = { hard: 0, soft: 0, softMs: 0 };
  #pubsub: OutputLimit = this.#normal;
  #query = 0;
  #idleMs = 0;
  /** Clients above their soft limit, and since when on the clock's monotonic time. */
  readonly #above = new Map<Client, number>();
  #timer: TimerHandle | null = null;

  constructor(private readonly server: ServerCore) {
    this.#configure();
    server.config.onChange(() => this.#configure());
  }

  /** To be asked after output was added, where `limitsOutput`. Replicas' links are replication's business. */
  checkOutput(client: Client): void {
    if (client.isReplica && !client.isMonitor) return;
    const limit = client.isSubscriber ? this.#pubsub : this.#normal;
    if (limit.hard === 0 && limit.soft === 0) return;
    const bytes = client.connection?.backlogBytes ?? 0;
    if (limit.hard > 0 && bytes > limit.hard) {
      this.#drop(client, "output buffer");
    } else if (limit.soft === 0 || bytes <= limit.soft) {
      if (this.#above.size > 0) this.#above.delete(client);
    } else {
      const now = this.server.clock.now();
      const since = this.#above.get(client);
      if (since === undefined) {
        this.#above.set(client, now);
        this.#startCycle();
      } else if (now - since > limit.softMs) {
        this.#drop(client, "output buffer");
      }
    }
  }

  /** Elements that a reply needs to break the client's limit, however small they are; infinite without a limit. */
  mostElements(client: Client): number {
    const { hard } = client.isSubscriber ? this.#pubsub : this.#normal;
    return hard === 0 ? Number.POSITIVE_INFINITY : Math.floor(hard / SMALLEST_ELEMENT) + 1;
  }

  /** To be asked after input came. */
  checkQuery(client: Client): void {
    if (client.decoder.pendingBytes > this.#query) this.#drop(client, "query buffer");
    else if (this.server.memory.clientLimit > 0) this.server.memory.limitClients();
  }

  forget(client: Client): void {
    this.#above.delete(client);
  }

  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#idleMs = 0;
    this.#above.clear();
  }

  /** A reply that is longer than a text can be: nobody could be sent it. */
  dropOversized(client: Client): void {
    this.#drop(client, "output buffer");
  }

  #drop(client: Client, what: string): void {
    this.server.log("warning", `Client id=${client.id} closed for overcoming of ${what} limits.`);
    client.closing = true;
    client.connection?.destroy();
  }

  #configure(): void {
    const { config } = this.server;
    const words = config.text("client-output-buffer-limit").split(" ");
    const limit = (name: string): OutputLimit => {
      const at = words.indexOf(name);
      return { hard: Number(words[at + 1]), soft: Number(words[at + 2]), softMs: Number(words[at + 3]) * 1000 };
    };
    this.#normal = limit("normal");
    this.#pubsub = limit("pubsub");
    this.limitsOutput = [this.#normal, this.#pubsub].some(({ hard, soft }) => hard > 0 || soft > 0);
    this.#query = config.number("client-query-buffer-limit");
    this.#idleMs = config.number("timeout") * 1000;
    if (this.#idleMs > 0) this.#startCycle();
  }

  #startCycle(): void {
    this.#timer ??= this.server.clock.setTimer(() => this.#cycle(), CYCLE_MS);
  }

  /** Runs while there is something to look after that no traffic may bring up. */
  #cycle(): void {
    this.#timer = null;
    if (this.#idleMs > 0) this.#closeIdle();
    for (const client of [...this.#above.keys()]) this.checkOutput(client);
    if (this.#idleMs > 0 || this.#above.size > 0) this.#startCycle();
  }

  /** Who waits, listens, or is a replica may be silent. */
  #closeIdle(): void {
    const oldest = this.server.clock.epoch() - this.#idleMs;
    for (const client of [...this.server.clients.values()]) {
      const maySleep = client.isReplica || client.isMasterLink || client.isSubscriber || client.waiter !== null;
      if (!maySleep && client.lastActiveMs < oldest) this.server.kill(client);
    }
  }
}
