import { Backoff } from "../../core/backoff.js";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Target } from "../connection/address.js";
import type { ConnectionHost, NodeConnection, ReadWatch } from "../connection/node-connection.js";
import { describeSocketError } from "../connection/socket-error.js";
import { Mark } from "../consistency/marks.js";
import { Circuit, type CircuitLimits } from "../routing/circuit.js";
import type { Candidate } from "../routing/selector.js";
import type { CircuitState, NodeTags } from "../types.js";
import type { Connections } from "./connections.js";

/** Whoever owns the links. */
export interface LinkHost extends ConnectionHost {
  /** A new generation is open. */
  opened(link: NodeLink, connection: NodeConnection): void;
  /** It could not be opened; it will be tried again. */
  openFailed(link: NodeLink, error: Error): void;
  /** Its circuit has left that state. */
  circuitChanged(link: NodeLink, from: CircuitState): void;
  /** Should COMMAND be asked for with the greeting? */
  wantsCommands(): boolean;
}

/**
 * The shared data connection to one node, one generation after another, and the mark of what the node has
 * applied. It opens a new generation when it is asked to, with growing gaps after failures.
 */
export class NodeLink implements Candidate, ReadWatch {
  readonly mark = new Mark();
  readonly circuit: Circuit;
  /** The adopted master. */
  isMaster = false;
  /** As {@link Candidate}: a connection is open and the topology says that it may serve. */
  serves = false;
  inRotation = false;
  likelyOffset = -1;
  /** Why it doesn't serve, in words; empty while it does. */
  reason = "never connected";
  /** Moving average of how far behind the master it was when it was last looked at, in milliseconds. */
  lagMs = 0;
  /** The open generation. */
  connection: NodeConnection | null = null;
  /** As the options have it, else as the server said when it was last connected to. */
  zone: string | null;
  readonly tags: NodeTags;
  /** Connections to its address have been seen to reach several servers. */
  isEndpoint = false;
  /** Why there is no open generation; empty before the first try. */
  lastFailure = "";
  #opening = false;
  #wanted = true;
  #timer: TimerHandle | null = null;
  #trial: TimerHandle | null = null;
  #kill: { runId: string; clientId: number } | null = null;
  readonly #backoff: Backoff;

  constructor(
    readonly target: Target,
    private readonly connections: Connections,
    private readonly host: LinkHost,
    private readonly clock: Clock,
    random: Random,
    private readonly labels: { readonly zone: string | null; readonly tags: NodeTags },
    limits: CircuitLimits,
    private readonly inFlightBytes: number,
  ) {
    this.circuit = new Circuit(limits);
    this.zone = labels.zone;
    this.tags = labels.tags;
    this.#backoff = new Backoff({ firstMs: 20, maxMs: 1000 }, random);
  }

  get id(): string {
    return this.target.node;
  }

  /** Once a first generation was opened, or could not be. */
  get tried(): boolean {
    return this.connection !== null || this.lastFailure !== "";
  }

  get latencyMs(): number | null {
    return this.connection === null ? null : this.connection.latencyMs;
  }

  get inFlight(): number {
    return this.connection === null ? 0 : this.connection.inFlight;
  }

  get full(): boolean {
    return this.connection !== null && this.connection.inFlightBytes >= this.inFlightBytes;
  }

  get waitingSince(): number {
    return this.connection === null ? Number.POSITIVE_INFINITY : this.connection.waitingSince;
  }

  /**
   * Whether the open connection leads to the server with this run_id, as far as both are known. If not, connections to
   * this address reach several servers: from then on the node is what its data connection shows.
   */
  meets(runId: string | null): boolean {
    const own = this.connection?.identity?.runId;
    if (!own || !runId || own === runId) return true;
    this.isEndpoint = true;
    return false;
  }

  /** Opens a generation now, unless one is open or being opened. */
  ensure(): void {
    if (!this.#wanted || this.connection !== null || this.#opening) return;
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#opening = true;
    void this.#open();
  }

  /** Ends the open generation; a new one is opened when next asked for. */
  drop(reason: string): void {
    this.connection?.destroy(reason);
  }

  /** Ends it for good. */
  stop(reason: string): void {
    this.#wanted = false;
    this.clock.clearTimer(this.#trial);
    this.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.connection?.destroy(reason);
  }

  /** It failed its readers too often of late: others go first. On trial it takes one read at a time. */
  get resting(): boolean {
    const { state } = this.circuit;
    return state !== "closed" && (state === "open" || this.inFlight > 0);
  }

  get restReason(): string {
    return this.circuit.reason;
  }

  get troubled(): boolean {
    return this.circuit.troubled;
  }

  answered(): void {
    if (this.circuit.answered()) this.host.circuitChanged(this, "halfOpen");
  }

  failed(why: string): void {
    const from = this.circuit.state;
    if (!this.isMaster && this.circuit.failed(this.clock.now(), why)) this.#rest(from);
  }

  /** The node has another office: what was before says nothing. */
  forgive(): void {
    this.clock.clearTimer(this.#trial);
    const from = this.circuit.state;
    this.circuit.reset();
    if (from !== "closed") this.host.circuitChanged(this, from);
  }

  #rest(from: CircuitState): void {
    this.clock.clearTimer(this.#trial);
    this.#trial = this.clock.setTimer(() => {
      this.circuit.tryOut();
      this.host.circuitChanged(this, "open");
    }, this.circuit.restMs);
    this.host.circuitChanged(this, from);
  }

  /**
   * To be called when a generation is over. One that left writes unanswered is remembered: before anything is
   * written to that server again, its connection there is killed, for they may still run.
   */
  ended(connection: NodeConnection, unanswered: boolean): void {
    const wasOpen = this.connection === connection;
    if (wasOpen) this.connection = null;
    if (connection.reason !== "") this.lastFailure = connection.reason;
    const from = this.circuit.state;
    if (wasOpen && this.#wanted && !this.isMaster && this.circuit.lost(this.clock.now())) this.#rest(from);
    if (unanswered && connection.identity)
      this.#kill = { runId: connection.identity.runId, clientId: connection.identity.clientId };
  }

  async #open(): Promise<void> {
    let connection: NodeConnection | null = null;
    try {
      connection = await this.connections.create(this.target, this.host);
      await connection.open({ node: this.id, commands: this.host.wantsCommands(), kill: this.#kill });
      this.#opening = false;
      if (!this.#wanted) {
        connection.destroy("not needed any more");
        return;
      }
      this.#kill = null;
      this.#backoff.reset();
      this.lastFailure = "";
      this.connection = connection;
      connection.circuit = this;
      this.zone = this.labels.zone ?? connection.identity?.zone ?? null;
      this.host.opened(this, connection);
    } catch (error) {
      this.#opening = false;
      const failure = error instanceof Error ? error : new Error(String(error));
      this.lastFailure = describeSocketError(failure);
      if (!this.#wanted) return;
      this.#timer = this.clock.setTimer(() => this.ensure(), this.#backoff.next(), true);
      this.host.openFailed(this, failure);
    }
  }
}
