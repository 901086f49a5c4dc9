import { isIP } from "node:net";
import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Target } from "../connection/address.js";
import { NameWatcher } from "../connection/name-watcher.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { openRedis } from "../connection/open-redis.js";
import { SentinelWatcher } from "../connection/sentinel.js";
import type { ResolvedOptions, SeedNode, SentinelSource } from "../options/resolved.js";
import type { Address } from "../topology/address.js";
import type { RefusalKind, TopologyInput } from "../topology/input.js";
import { MIN_GAP_MS, Monitor } from "../topology/monitor.js";
import { initialTopology, reduce, writableMaster } from "../topology/reduce.js";
import type { Seed, TopologyState } from "../topology/state.js";
import type { TopologyChange } from "../types.js";
import type { Connections } from "./connections.js";
import { hopeless } from "./hopeless.js";
import { OfficeNames } from "./office-names.js";
import { Probe } from "./probe.js";
import type { Adoption } from "./succession.js";
import { Troubles } from "./troubles.js";

/** What the surveyor reports. */
export interface SurveyorOptions {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly connections: Connections;
  /** The newest offset of the adopted history that fences have shown. */
  readonly known: () => { readonly replid: string; readonly offset: number } | null;
  readonly added: (target: Target) => void;
  readonly removed: (node: string) => void;
  readonly adopted: (adoption: Adoption) => void;
  readonly changed: (change: TopologyChange) => void;
  /** The data connection to a node, if only what it says is said of the server that serves us there. */
  readonly dataConnection: (node: string) => NodeConnection | null;
  /** A look at a node, after the topology has taken note of it. */
  readonly polled: (input: Extract<TopologyInput, { type: "poll" | "pollFailed" }>) => void;
  /** The topology has taken note of something, and all of the above was told. */
  readonly settled: () => void;
  readonly trouble: (error: Error) => void;
}

/**
 * Keeps the topology up to date: looks at the nodes (Monitor, Probe), asks Sentinels, hands all that is learned
 * to `reduce()` and carries out what it answers. It decides nothing itself.
 */
export class Surveyor {
  state: TopologyState;
  /** Set while no waiting can help, as when every node is of a kind that this client can't use. */
  fatal: Error | null = null;

  readonly #probes = new Map<string, Probe>();
  readonly #monitor: Monitor;
  readonly #sentinels: SentinelWatcher | null;
  /** Looks up the names among the seeds; null before the start, and where streams are opened by others. */
  #resolver: NameWatcher | null = null;
  readonly #troubles: Troubles;
  #names = new OfficeNames([]);
  #stopped = false;

  constructor(private readonly host: SurveyorOptions) {
    const { options, clock, random } = host;
    this.state = initialTopology(options, []);
    this.#troubles = new Troubles(host.trouble);
    this.#monitor = new Monitor({
      clock,
      random,
      config: options,
      probe: (node, signal) => this.#probe(node, signal),
      onInput: (input) => this.#apply(input),
    });
    this.#sentinels = this.#watchSentinels();
  }

  start(seeds: readonly SeedNode[]): void {
    this.state = initialTopology(this.host.options, seeds.map(seedOf));
    for (const seed of seeds) this.#add({ node: seed.id, endpoint: seed.address });
    this.#names = new OfficeNames(seeds);
    this.#monitor.setUrgent(true);
    this.#sentinels?.start();
    this.#resolver = this.#watchNames(seeds);
  }

  stop(): void {
    this.#stopped = true;
    this.#monitor.stop();
    this.#sentinels?.stop();
    this.#resolver?.stop();
    for (const probe of this.#probes.values()) probe.stop();
    this.#probes.clear();
  }

  /** Looks at these nodes (all without an argument) as soon as may be. */
  requestCheck(nodes?: readonly string[]): void {
    this.#monitor.requestCheck(nodes);
  }

  /** A data connection ended without our asking. */
  connectionLost(node: string): void {
    this.#apply({ type: "connectionLost", at: this.host.clock.now(), node });
  }

  /** A command was refused in a way that says something of its node. */
  refused(node: string, kind: RefusalKind, redirect?: Address): void {
    if (this.#isKnownRefusal(node, kind)) return;
    this.#apply({ type: "refusal", at: this.host.clock.now(), node, kind, redirect });
  }

  /**
   * A wave of refusals, one for each command in flight, says the same as its first: the node is in doubt already, and
   * the probe that will decide has yet to be sent, so that it comes after this one as well.
   */
  #isKnownRefusal(node: string, kind: RefusalKind): boolean {
    if (!this.#monitor.isRequested(node)) return false;
    const known = this.state.nodes.get(node);
    if (kind === "busy") return true;
    if (kind !== "noreplicas") return (known?.doubtedAt ?? null) !== null;
    return known !== undefined && this.host.clock.now() - known.refusedAt < MIN_GAP_MS;
  }

  async #probe(node: string, signal: AbortSignal): ReturnType<Probe["ask"]> {
    const probe = this.#probes.get(node);
    if (!probe) return { ok: false, generation: 0, kind: "closed", reason: "the node was removed" };
    const way = this.#names.mayLeadElsewhere(node, this.state, this.host.clock.now())
      ? "fresh"
      : (this.host.dataConnection(node) ?? "own");
    const result = await probe.ask(signal, way);
    const known = this.host.known();
    return result.ok && known ? { ...result, known } : result;
  }

  #apply(input: TopologyInput): void {
    if (this.#stopped) return;
    const { host } = this;
    const { state, effects } = reduce(this.state, input);
    this.state = state;
    if (state.nodes.size > 0) this.#judge();
    for (const effect of effects) {
      switch (effect.type) {
        case "emit":
          host.changed(effect.change);
          break;
        case "check":
          this.#monitor.requestCheck(effect.nodes);
          break;
        case "wakeAt":
          this.#monitor.wakeAt(effect.at);
          break;
        case "adopt":
          host.adopted(effect);
          break;
        case "addNode":
          this.#add({ node: effect.node, endpoint: effect.address, name: effect.name });
          break;
        case "removeNode":
          this.#remove(effect.node);
          break;
        case "holdWrites":
          this.#sentinels?.requestCheck();
          break;
        case "resumeWrites":
          break;
        default:
          effect satisfies never;
      }
      if (this.#stopped) return;
    }
    const noMaster = writableMaster(this.state) === null;
    this.#monitor.setUrgent(noMaster);
    if (input.type === "poll" || input.type === "pollFailed") {
      this.#troubles.note(input, this.state);
      host.polled(input);
    }
    host.settled();
    if (input.type !== "lookup" && (noMaster || input.type === "pollFailed" || input.type === "connectionLost"))
      this.#resolver?.requestCheck();
  }

  #add(target: Target): void {
    const { node } = target;
    if (this.#probes.has(node)) return;
    this.#probes.set(node, new Probe(target, this.host.connections));
    this.host.added(target);
    this.#monitor.addNode(node);
  }

  #remove(node: string): void {
    this.#monitor.removeNode(node);
    this.#probes.get(node)?.stop();
    this.#probes.delete(node);
    this.host.removed(node);
  }

  #judge(): void {
    const fatal = hopeless(this.state);
    // Of the same words, the first one is as good.
    if (fatal?.message !== this.fatal?.message) this.fatal = fatal;
  }

  #watchNames(seeds: readonly SeedNode[]): NameWatcher | null {
    const { options, clock, connections } = this.host;
    const names = seeds.flatMap(({ id, address }) =>
      "host" in address && isIP(address.host) === 0 ? [{ id, ...address }] : [],
    );
    if (names.length === 0 || connections.opensElsewhere) return null;
    const watcher = new NameWatcher({
      clock,
      names,
      family: options.redis.family,
      lookup: options.lookup,
      intervalMs: options.lookupIntervalMs,
      timeoutMs: options.failoverTimeoutMs,
      onInput: (input) => this.#apply(input),
    });
    watcher.start();
    return watcher;
  }

  #watchSentinels(): SentinelWatcher | null {
    const { options, clock, random } = this.host;
    const { source } = options;
    if (source.kind !== "sentinels") return null;
    return new SentinelWatcher({
      clock,
      random,
      sentinels: source.sentinels.map(({ host, port }) => ({ host, port })),
      name: source.name,
      updateSentinels: source.updateSentinels,
      pollIntervalMs: options.pollIntervalMs,
      timeoutMs: options.heartbeatTimeoutMs,
      open: (address) =>
        openRedis({
          endpoint: address,
          ...this.host.connections.way(familyOf(source, address)),
          ...(source.tls ? { tls: source.tls } : {}),
          redis: {
            ...(source.username === null ? {} : { username: source.username }),
            ...(source.password === null ? {} : { password: source.password }),
          },
        }).redis,
      onInput: (input) => this.#apply(input),
      onUnreachable: (reasons) => this.#troubles.sentinelsDown(reasons),
    });
  }
}

/** What the options say of a Sentinel that they name; one that was discovered is an address. */
function familyOf({ sentinels }: SentinelSource, { host, port }: { host: string; port: number }): number | undefined {
  return sentinels.find((one) => one.host === host && one.port === port)?.family;
}

function seedOf({ id, address }: SeedNode): Seed {
  return "path" in address
    ? { id, host: "", port: 0, path: address.path }
    : { id, host: address.host, port: address.port };
}
