import { Backoff } from "../../core/backoff.js";
import type { TimerHandle } from "../../core/clock.js";
import type { NodeId } from "./address.js";
import type { TopologyInput } from "./input.js";
import { NodeLoop } from "./node-loop.js";
import { MIN_GAP_MS, type MonitorOptions, URGENT_GAP_MS } from "./probe.js";

export { MIN_GAP_MS, type MonitorOptions, type ProbeResult } from "./probe.js";

/** The loop that feeds `reduce`: one loop per node, a timer for ticks, nothing decided. */
export class Monitor {
  readonly #loops = new Map<NodeId, NodeLoop>();
  readonly #urgentGap: Backoff;
  /** Takes over when nobody waits for a master any more. */
  readonly #patientGap: Backoff;
  #urgentSince = 0;
  #urgentTimer: TimerHandle | null = null;
  #urgent = false;
  #wake: TimerHandle | null = null;
  #stopped = false;

  constructor(private readonly options: MonitorOptions) {
    const { config, random } = options;
    const maxMs = Math.max(MIN_GAP_MS, config.pollIntervalMs);
    const urgentMs = Math.min(URGENT_GAP_MS, maxMs);
    this.#urgentGap = new Backoff({ firstMs: MIN_GAP_MS, maxMs: urgentMs }, random);
    this.#patientGap = new Backoff({ firstMs: urgentMs, maxMs }, random);
  }

  /** Starts a loop for the node; its first probe goes out at once. */
  addNode(node: NodeId): void {
    if (this.#stopped || this.#loops.has(node)) return;
    const loop = new NodeLoop(node, { ...this.options, onInput: (input) => this.#hand(input) });
    this.#loops.set(node, loop);
    loop.request();
  }

  removeNode(node: NodeId): void {
    this.#loops.get(node)?.stop();
    this.#loops.delete(node);
  }

  /**
   * Probes these nodes (all without an argument) at the end of this turn, or as soon as the minimum gap allows. Requests
   * that come before that coalesce; one that comes while a probe is on its way leads to another after it, since only a
   * question asked *after* the news can confirm it.
   */
  requestCheck(nodes: Iterable<NodeId> = this.#loops.keys()): void {
    for (const node of nodes) this.#loops.get(node)?.request();
  }

  /** Whether a probe of this node is going to be sent that nobody has to ask for any more. */
  isRequested(node: NodeId): boolean {
    return this.#loops.get(node)?.requested ?? false;
  }

  /**
   * While true (no master to write to) all nodes are polled fast: with gaps that grow to 100 ms as long as calls may be
   * waiting for a master, `failoverTimeoutMs`, so that a promotion is seen at once however late it comes; then to the
   * poll interval.
   */
  setUrgent(urgent: boolean): void {
    if (this.#urgent === urgent || this.#stopped) return;
    this.#urgent = urgent;
    this.#urgentSince = this.options.clock.now();
    this.#urgentGap.reset();
    this.#patientGap.reset();
    this.options.clock.clearTimer(this.#urgentTimer);
    this.#urgentTimer = null;
    if (urgent) this.#hurry();
  }

  /** Hands in a tick at this monotonic time; replaces the former one. */
  wakeAt(at: number): void {
    if (this.#stopped) return;
    const { clock } = this.options;
    clock.clearTimer(this.#wake);
    this.#wake = clock.setTimer(
      () => {
        this.#wake = null;
        // A timer may fire a fraction early; a tick must not.
        if (clock.now() < at) this.wakeAt(at);
        else this.#hand({ type: "tick", at: clock.now() });
      },
      Math.max(0, at - clock.now()),
    );
  }

  /** Leaves no timer; results that come later are dropped. */
  stop(): void {
    this.#stopped = true;
    for (const node of [...this.#loops.keys()]) this.removeNode(node);
    this.options.clock.clearTimer(this.#urgentTimer);
    this.options.clock.clearTimer(this.#wake);
    this.#urgentTimer = null;
    this.#wake = null;
  }

  #hurry(): void {
    const { clock, config } = this.options;
    // News may just have asked, and what they may ask at once in their turn is not to be used up here.
    for (const loop of this.#loops.values()) if (!loop.justAsked) loop.request();
    const waitedFor = clock.now() - this.#urgentSince < config.failoverTimeoutMs;
    this.#urgentTimer = clock.setTimer(() => this.#hurry(), (waitedFor ? this.#urgentGap : this.#patientGap).next());
  }

  #hand(input: TopologyInput): void {
    if (!this.#stopped) this.options.onInput(input);
  }
}
