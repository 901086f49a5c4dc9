import { setTimeout as sleep } from "node:timers/promises";
import type { ReplicatedClient } from "ioreplica";
import { eventually } from "./eventually.js";

/** Eight callers that read one of a hundred keys, again and again. */
export class ReadLoad {
  done = 0;
  pending = 0;
  readonly failed: string[] = [];
  #over = false;
  #places: Promise<void>[] = [];

  constructor(private readonly redis: Pick<ReplicatedClient, "get">) {}

  begin(): this {
    this.#places = Array.from({ length: 8 }, async (_, place) => {
      for (let i = place; !this.#over; i++) {
        this.pending++;
        await this.redis.get(`k${i % 100}`).then(
          () => this.done++,
          (error: Error & { code?: string }) => this.failed.push(error.code ?? error.message),
        );
        this.pending--;
        await sleep(1);
      }
    });
    return this;
  }

  /** Until two hundred further reads have settled. */
  async more(): Promise<void> {
    const before = this.done + this.failed.length;
    await eventually(() => this.done + this.failed.length >= before + 200, { timeoutMs: 20_000 });
  }

  async end(): Promise<void> {
    this.#over = true;
    await Promise.race([Promise.all(this.#places), sleep(5000)]);
  }
}
