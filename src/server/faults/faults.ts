import type { Bytes } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { Fault, FaultHooks } from "../dispatch/hooks.js";
import { isLink, watchLinks } from "../net/link-ports.js";
import type { Replication } from "../replication/replication.js";
import type { ServerCore } from "../server-core.js";
import { CommandFaults } from "./command-faults.js";
import { stateError } from "./error-texts.js";
import { LinkControl } from "./link-control.js";
import type {
  CommandFaultHandle,
  CommandFilter,
  FailOptions,
  FaultHandle,
  PartitionOptions,
  ServerFaults,
} from "./types.js";

/** What faults need to know of the server they belong to. */
export interface FaultyServer {
  readonly host: string;
  readonly port: number;
  readonly faults: { readonly [LINKS]: LinkCuts };
}

/** Reaches the other end's cuts; not for callers. */
export const LINKS: unique symbol = Symbol("cuts of links between servers");

interface Cut {
  readonly in: boolean;
  readonly out: boolean;
}

/** Cuts of this server's link to a master, by the master that it leads to. */
export interface LinkCuts {
  add(cut: Cut & { readonly to: FaultyServer }): FaultHandle;
}

/** A hang, and what lets the present run go on. */
interface Hang {
  goOn: (() => void) | null;
}

interface Refusal {
  readonly text: string;
  left: number;
  hits: number;
}

/** The faults of one dev server. They belong to the server, not to one run of it: a restart doesn't lift them. */
export class Faults<Server extends FaultyServer> implements ServerFaults<Server>, FaultHooks {
  readonly #lags = new Set<{ readonly ms: number }>();
  readonly #freezes = new Set<object>();
  readonly #cuts = new Set<Cut & { readonly clientsOnly: boolean }>();
  readonly #linkCuts = new Set<Cut & { readonly to: FaultyServer }>();
  readonly #delays = new Set<{ readonly ms: number }>();
  readonly #commands = new CommandFaults();
  readonly #refusals = new Set<Refusal>();
  /** Handles of faults that also hold at another server. */
  readonly #shared = new Set<FaultHandle>();
  readonly #hangs = new Set<Hang>();
  /** Control of the link to a master. */
  readonly link = new LinkControl();
  #core: ServerCore | null = null;
  #replication: Replication | null = null;
  /** Ends what tells of links, while clients alone are cut off. */
  #unwatch: (() => void) | null = null;

  readonly [LINKS]: LinkCuts = { add: (cut) => this.#put(this.#linkCuts, cut, () => this.#applyLink()) };

  /** A run of the server begins: what holds, holds for it. */
  attach(core: ServerCore, replication: Replication): void {
    this.#unwatchLinks();
    this.#core = core;
    this.#replication = replication;
    core.faults = this;
    for (const hang of this.#hangs) hang.goOn = core.still.begin();
    this.link.attach(replication, core.clock);
    replication.onLink = () => {
      this.link.linkChanged();
      this.#applyLink();
    };
    this.#applyStream();
    this.#applyLink();
    this.#watchLinks();
  }

  /** The run is over; what holds, holds for the next one. */
  detach(): void {
    this.link.detach();
    this.#unwatchLinks();
  }

  lag(ms: number): FaultHandle {
    return this.#put(this.#lags, { ms: positive(ms, "lag") }, () => this.#applyStream());
  }

  freeze(): FaultHandle {
    return this.#put(this.#freezes, {}, () => this.#applyStream());
  }

  partition(options: PartitionOptions<Server> = {}): FaultHandle {
    const { with: other, direction = "both" } = options;
    const cut: Cut = { in: direction !== "out", out: direction !== "in" };
    if (other === undefined || other === "clients") {
      return this.#put(this.#cuts, { ...cut, clientsOnly: other === "clients" }, () => this.#applyAll());
    }
    // Whichever of the two follows the other owns the link; what comes in here goes out there.
    const here = this[LINKS].add({ ...cut, to: other });
    const there = other.faults[LINKS].add({ in: cut.out, out: cut.in, to: this.#self() });
    const handle: FaultHandle = {
      clear: () => {
        this.#shared.delete(handle);
        here.clear();
        there.clear();
      },
    };
    this.#shared.add(handle);
    return handle;
  }

  fail(error: string | { readonly message: string }, options: FailOptions = {}): CommandFaultHandle {
    const { reply, refuses } = stateError(error);
    return this.#commands.add({ kind: "error", reply }, options, refuses);
  }

  close(options: CommandFilter & { readonly when?: "before" | "after" } = {}): CommandFaultHandle {
    return this.#commands.add({ kind: "close", when: options.when ?? "before" }, options);
  }

  cutReply(options: CommandFilter & { readonly bytes?: number } = {}): CommandFaultHandle {
    const { bytes = null } = options;
    if (bytes !== null && !(bytes >= 0)) throw new RangeError(`bytes must be at least 0, got ${bytes}`);
    return this.#commands.add({ kind: "cutReply", bytes }, options);
  }

  slow(ms: number, options: CommandFilter = {}): CommandFaultHandle {
    return this.#commands.add({ kind: "slow", ms: positive(ms, "slow") }, options);
  }

  swallow(options: CommandFilter = {}): CommandFaultHandle {
    return this.#commands.add({ kind: "swallow" }, options);
  }

  refuseConnections(options: { readonly message?: string; readonly times?: number } = {}): CommandFaultHandle {
    const { message, times = Number.POSITIVE_INFINITY } = options;
    if (!(times >= 1)) throw new RangeError(`times must be at least 1, got ${times}`);
    const refusals = this.#refusals;
    const one: Refusal = {
      text: message === undefined ? "" : `-${message.replace(/[\r\n]+/g, " ")}\r\n`,
      left: times,
      hits: 0,
    };
    refusals.add(one);
    return {
      clear: () => void refusals.delete(one),
      get hits() {
        return one.hits;
      },
      get active() {
        return refusals.has(one);
      },
    };
  }

  delayReplies(ms: number): FaultHandle {
    return this.#put(this.#delays, { ms: positive(ms, "delayReplies") }, () => this.#applyConnections());
  }

  hang(): FaultHandle {
    const hang: Hang = { goOn: this.#core?.still.begin() ?? null };
    this.#hangs.add(hang);
    const cut = this.#put(this.#cuts, { in: true, out: true, clientsOnly: false }, () => this.#applyAll());
    return {
      clear: () => {
        if (this.#hangs.delete(hang)) hang.goOn?.();
        cut.clear();
      },
    };
  }

  dropConnections(): FaultHandle {
    for (const client of [...(this.#core?.clients.values() ?? [])]) client.connection?.destroy(true);
    this.#replication?.link?.break();
    return { clear: () => undefined };
  }

  clear(): void {
    for (const { goOn } of this.#hangs) goOn?.();
    this.#hangs.clear();
    for (const set of [this.#lags, this.#freezes, this.#cuts, this.#linkCuts, this.#delays, this.#refusals])
      set.clear();
    this.#commands.clear();
    this.link.resume();
    for (const handle of [...this.#shared]) handle.clear();
    this.#applyStream();
    this.#applyAll();
  }

  /** FaultHooks: what is to become of a command. */
  beforeCommand(client: Client, _name: Bytes, args: readonly Bytes[]): Fault | null {
    // A replica's ACKs are no requests: an answer to them would be taken for a part of the stream.
    if (this.#commands.none || client.isReplica) return null;
    return this.#commands.take(client, this.#core?.commands.resolve(args), args);
  }

  /** FaultHooks: a connection comes; what it is told before it is closed, null = let it in. */
  refuses(): string | null {
    for (const one of this.#refusals) {
      one.hits++;
      if (--one.left <= 0) this.#refusals.delete(one);
      return one.text;
    }
    return null;
  }

  /** FaultHooks: a connection was accepted. */
  clientOpened(client: Client): void {
    if (this.#cuts.size > 0 || this.#delays.size > 0) this.#applyTo(client);
  }

  #self(): FaultyServer {
    const core = (): ServerCore | null => this.#core;
    return {
      get host() {
        return core()?.config.text("bind").split(" ")[0] ?? "";
      },
      get port() {
        return core()?.port ?? 0;
      },
      faults: this,
    };
  }

  #put<T>(set: Set<T>, fault: T, apply: () => void): FaultHandle {
    set.add(fault);
    apply();
    return {
      clear: () => {
        if (set.delete(fault)) apply();
      },
    };
  }

  #applyStream(): void {
    let lagMs = 0;
    for (const { ms } of this.#lags) lagMs = Math.max(lagMs, ms);
    this.#replication?.applier.hold(lagMs, this.#freezes.size > 0);
  }

  #applyAll(): void {
    this.#watchLinks();
    this.#applyConnections();
    this.#applyLink();
  }

  #applyConnections(): void {
    for (const client of [...(this.#core?.clients.values() ?? [])]) this.#applyTo(client);
  }

  #applyTo(client: Client): void {
    const { connection } = client;
    if (!connection || connection.closed) return;
    const cuts = [...this.#cuts].filter((cut) => !(cut.clientsOnly && this.#isLink(client)));
    let delayMs = 0;
    if (!client.isReplica) for (const { ms } of this.#delays) delayMs = Math.max(delayMs, ms);
    connection.delayOutput(delayMs);
    connection.holdInput(cuts.some((cut) => cut.in));
    connection.holdOutput(cuts.some((cut) => cut.out));
  }

  /** A link made during a cut is known by its other end: held, it could never say what it is. */
  #isLink(client: Client): boolean {
    const { connection } = client;
    return (
      client.isReplica ||
      (this.#core !== null && connection !== null && isLink(this.#core.transport, connection.endpoints.peer))
    );
  }

  #watchLinks(): void {
    const isWanted = this.#core !== null && [...this.#cuts].some((cut) => cut.clientsOnly);
    if (!isWanted || this.#core === null) return this.#unwatchLinks();
    this.#unwatch ??= watchLinks(this.#core.transport, () => this.#applyConnections());
  }

  #unwatchLinks(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  #applyLink(): void {
    const link = this.#replication?.link;
    if (!link) return;
    const cuts: Cut[] = [...this.#cuts].filter((cut) => !cut.clientsOnly);
    for (const cut of this.#linkCuts) if (cut.to.port === link.port && sameHost(cut.to.host, link.host)) cuts.push(cut);
    link.cut({ in: cuts.some((cut) => cut.in), out: cuts.some((cut) => cut.out) });
  }
}

function positive(ms: number, what: string): number {
  if (!(ms >= 0 && Number.isFinite(ms)))
    throw new RangeError(`${what}: milliseconds must be a finite number from 0 on, got ${ms}`);
  return ms;
}

/** On one machine a port tells servers apart, whatever address of it is named; elsewhere hosts must be equal. */
function sameHost(one: string, other: string): boolean {
  return one === other || (isLoopback(one) && isLoopback(other));
}

const isLoopback = (host: string): boolean =>
  host.startsWith("127.") || ["localhost", "::1", "0.0.0.0", "::", "*"].includes(host);
