import type { TimerHandle } from "../../core/clock.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import { Flag } from "./flags.js";

/** What is paused: everything of ordinary clients, or what may change data. */
export type PauseMode = "all" | "write";

/** CLIENT PAUSE and the pause of FAILOVER: commands wait, and no key expires meanwhile. */
export class Pause {
  /** Pauses by purpose; the longest and the strictest count. */
  readonly #pauses = new Map<string, { readonly mode: PauseMode; readonly endMs: number }>();
  readonly #waiting = new Set<Client>();
  #afterwards: (() => void)[] = [];
  #timer: TimerHandle | null = null;
  /** What is paused now. */
  mode: PauseMode | null = null;

  constructor(private readonly server: ServerCore) {}

  /** Pauses for `ms` milliseconds; a second pause of the same purpose never shortens the first nor weakens it. */
  start(mode: PauseMode, ms: number, purpose = "client"): void {
    const endMs = this.server.clock.now() + ms;
    const old = this.#pauses.get(purpose);
    this.#pauses.set(purpose, {
      mode: old?.mode === "all" ? "all" : mode,
      endMs: Math.max(old?.endMs ?? 0, endMs),
    });
    this.#update();
  }

  /** Ends the pause of that purpose. */
  end(purpose = "client"): void {
    if (this.#pauses.delete(purpose)) this.#update();
  }

  /** True if a command (a master's too) with these flag bits has to wait; the client is woken when the pause is over. */
  holds(client: Client, bits: number): boolean {
    if (this.mode === null || client.isReplica) return false;
    if (this.mode === "write" && (bits & (Flag.write | Flag.mayReplicate)) === 0) return false;
    this.#waiting.add(client);
    return true;
  }

  /** Calls `run` once nothing is paused any more. */
  whenOver(run: () => void): void {
    this.#afterwards.push(run);
  }

  get waitingClients(): number {
    return this.#waiting.size;
  }

  forget(client: Client): void {
    this.#waiting.delete(client);
  }

  /** Ends everything without waking anybody: the server closes. */
  stop(): void {
    this.server.clock.clearTimer(this.#timer);
    this.#pauses.clear();
    this.#waiting.clear();
    this.#afterwards = [];
    this.mode = null;
  }

  #update(): void {
    const now = this.server.clock.now();
    let mode: PauseMode | null = null;
    let nextEndMs = Number.POSITIVE_INFINITY;
    for (const [purpose, pause] of this.#pauses) {
      if (pause.endMs <= now) {
        this.#pauses.delete(purpose);
        continue;
      }
      if (mode === null || pause.mode === "all") mode = pause.mode;
      nextEndMs = Math.min(nextEndMs, pause.endMs);
    }
    this.server.clock.clearTimer(this.#timer);
    this.#timer = mode === null ? null : this.server.clock.setTimer(() => this.#update(), nextEndMs - now);
    const eased = mode !== this.mode && mode !== "all";
    this.mode = mode;
    if (!eased) return;
    if (mode === null) for (const run of this.#afterwards.splice(0)) run();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) this.server.resumeClient(client);
  }
}
