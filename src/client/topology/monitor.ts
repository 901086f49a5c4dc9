import { Backoff } from "../../core/backoff.js";
import type { TimerHandle } from "../../core/clock.js";
import type { NodeId } from "./address.js";
import type { TopologyInput } from "./input.js";
import { NodeLoop } from "./node-loop.js";
import { MIN_GAP_MS, type MonitorOptions } from "./probe.js";

export { MIN_GAP_MS, type MonitorOptions, type ProbeResult } from "./probe.js";

/** The loop that feeds `reduce`: one loop per node, a timer for ticks, nothing decided. */
export class Monitor {
  readonly #loops = new Map<NodeId, NodeLoop>();
  readonly #urgentGap: Backoff;
  #urgentTimer: TimerHandle | null = null;
  #urgent = false;
  #wake: TimerHandle | null = null;
  #stopped = false;

  constructor(private readonly options: MonitorOptions) {
    const { config, random } = options;
    this.#urgentGap = new Backoff({ firstMs: MIN_GAP_MS, maxMs: Math.max(MIN_GAP_MS, config.pollIntervalMs) }, random);
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
   * Probes these nodes (all without an argument) as soon as the minimum gap allows. Requests that come before
   * that coalesce; one that comes while a probe is on its way leads to another after it, since only a question
   * asked *after* the news can confirm it.
   */
  requestCheck(nodes: Iterable<NodeId> = this.#loops.keys()): void {
    for (const node of nodes) this.#loops.get(node)?.request();
  }

  /** While true (no master to write to) all nodes are polled fast, with gaps that grow from 50 ms to the poll interval. */
  setUrgent(urgent: boolean): void {
    if (this.#urgent === urgent || this.#stopped) return;
    this.#urgent = urgent;
    this.#urgentGap.reset();
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
    this.requestCheck();
    this.#urgentTimer = this.options.clock.setTimer(() => this.#hurry(), this.#urgentGap.next());
  }

  #hand(input: TopologyInput): void {
    if (!this.#stopped) this.options.onInput(input);
  }
}
