import { clientLine } from "../commands/support/client-line.js";
import type { ServerCore } from "../server-core.js";
import { waitingBytes } from "./feeding.js";
import type { Replica } from "./replicas.js";
import type { ReplicationSettings } from "./settings.js";
import type { StreamOut } from "./stream-out.js";

/** How much of the stream may wait for a replica: client-output-buffer-limit of the class replica. */
export class ReplicaOutputLimit {
  #hard = 0;
  #soft = 0;
  #softS = 0;

  constructor(
    private readonly core: ServerCore,
    private readonly settings: ReplicationSettings,
    private readonly out: StreamOut,
  ) {
    this.#configure();
    core.config.onChange(() => this.#configure());
  }

  /** Closes a replica for which too much waits, or much for too long. */
  check(replica: Replica): void {
    const { connection } = replica.client;
    if (!connection || connection.closed || (this.#hard === 0 && this.#soft === 0)) return;
    if (this.#tooMuch(replica, waitingBytes(this.out, replica))) {
      const line = clientLine(this.core, replica.client);
      this.core.log("warning", `Client ${line} closed for overcoming of output buffer limits.`);
      connection.destroy();
    }
  }

  #tooMuch(replica: Replica, waiting: number): boolean {
    // A limit below the backlog's size would end a partial resync as soon as it has begun.
    if (this.#hard > 0 && waiting >= Math.max(this.#hard, this.settings.backlogBytes)) return true;
    if (this.#soft === 0 || waiting < this.#soft) {
      replica.softLimitSinceMs = null;
      return false;
    }
    const nowMs = this.core.clock.now();
    replica.softLimitSinceMs ??= nowMs;
    return nowMs - replica.softLimitSinceMs > this.#softS * 1000;
  }

  #configure(): void {
    const words = this.core.config.text("client-output-buffer-limit").split(" ");
    const at = words.findIndex((word) => word === "slave" || word === "replica");
    [this.#hard, this.#soft, this.#softS] = [1, 2, 3].map((i) => Number(words[at + i])) as [number, number, number];
  }
}
