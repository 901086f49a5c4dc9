import type { TimerHandle } from "../../core/clock.js";
import type { NodeId } from "./address.js";
import { MIN_GAP_MS, type MonitorOptions, type ProbeResult } from "./probe.js";

/** Polls one node: an interval, a mean gap under it, at most one probe at a time. */
export class NodeLoop {
  #timer: TimerHandle | null = null;
  #probe: AbortController | null = null;
  #requested = false;
  /** A probe goes out at the end of this turn. */
  #imminent = false;
  /** Of the newest probe and of the one before it. */
  #sentAt = Number.NEGATIVE_INFINITY;
  #sentBefore = Number.NEGATIVE_INFINITY;
  #seq = 0;
  /** Of the connection that answered last: what a timeout is about. */
  #generation = 0;
  #stopped = false;

  constructor(
    private readonly node: NodeId,
    private readonly options: MonitorOptions,
  ) {}

  /** Whether a probe was asked for that has not been sent yet: it will answer all that is known by now. */
  get requested(): boolean {
    return this.#requested;
  }

  /** Whether a probe was sent a moment ago, less than half a gap. */
  get justAsked(): boolean {
    return this.options.clock.now() - this.#sentAt < MIN_GAP_MS / 2;
  }

  request(): void {
    if (this.#requested || this.#stopped) return;
    this.#requested = true;
    if (this.#probe === null) this.#schedule(0);
  }

  stop(): void {
    this.#stopped = true;
    this.options.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#probe?.abort();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { clock } = this.options;
    clock.clearTimer(this.#timer);
    this.#timer = null;
    // Two may follow each other at once, a third may not: news that come just behind a regular look are as urgent as others.
    const wait = Math.max(delayMs, this.#sentBefore + 2 * MIN_GAP_MS - clock.now(), 0);
    const run = (): void => {
      this.#timer = null;
      this.#imminent = false;
      if (!this.#stopped) void this.#run();
    };
    if (wait > 0) this.#timer = clock.setTimer(run, wait);
    else if (!this.#imminent) {
      // Behind all that this turn has brought, so that one question answers it; a timer would add a millisecond.
      this.#imminent = true;
      clock.setImmediate(run);
    }
  }

  /** One probe, one input. Whatever happens, the next one is scheduled. */
  async #run(): Promise<void> {
    const { clock, config } = this.options;
    const seq = ++this.#seq;
    const sentAt = clock.now();
    const controller = new AbortController();
    this.#requested = false;
    this.#sentBefore = this.#sentAt;
    this.#sentAt = sentAt;
    this.#probe = controller;
    const deadline = sentAt + config.heartbeatTimeoutMs;
    const result = await this.#ask(controller);
    this.#probe = null;
    if (this.#stopped) return;
    this.#generation = result.generation;
    const at = clock.now();
    const common = { node: this.node, at, sentAt, seq };
    if (result.ok) {
      const { ok: _ok, ...facts } = result;
      this.options.onInput({ type: "poll", ...common, ...facts, latencyMs: at - sentAt });
    } else if (at - deadline > config.heartbeatTimeoutMs / 2) {
      // The timer fired far too late: it was the client that stood still, which says nothing of the node.
      this.#requested = true;
    } else {
      const { ok: _ok, ...facts } = result;
      this.options.onInput({ type: "pollFailed", ...common, ...facts });
    }
    this.#schedule(this.#requested ? 0 : config.pollIntervalMs);
  }

  /** The result, or a timeout after the heartbeat timeout. */
  async #ask(controller: AbortController): Promise<ProbeResult> {
    const { clock, config, probe } = this.options;
    const failed = (kind: "timeout" | "protocol", reason: string): ProbeResult => {
      return { ok: false, generation: this.#generation, kind, reason };
    };
    let timer: TimerHandle | null = null;
    const late = new Promise<ProbeResult>((resolve) => {
      timer = clock.setTimer(() => {
        controller.abort();
        // The probe knows better than we whether a new connection failed: it has a moment to say so.
        const reason = `no answer within ${config.heartbeatTimeoutMs} ms`;
        timer = clock.setTimer(() => resolve(failed("timeout", reason)), 1);
      }, config.heartbeatTimeoutMs);
    });
    const asked = probe(this.node, controller.signal).catch((error: unknown) => {
      return failed("protocol", error instanceof Error ? error.message : "the probe failed");
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clock.clearTimer(timer);
    }
  }
}
