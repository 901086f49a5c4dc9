import { EventEmitter } from "node:events";
import { inspect } from "node:util";
import { type ChainableCommander, Command, Redis, type RedisOptions } from "ioredis";
import { hide, installMethods, LEAN } from "./connection/generated-methods.js";
import { ClientCore } from "./engine/client-core.js";
import type { DevTopology } from "./engine/dev-servers.js";
import { explain } from "./engine/explain.js";
import { healthReport } from "./engine/health.js";
import { Operation } from "./engine/operation.js";
import { PipelineCollector } from "./engine/pipeline-unit.js";
import { Scope } from "./engine/scope.js";
import type { TokenCounts } from "./engine/sessions.js";
import { CallLog } from "./engine/trace.js";
import { environmentOf } from "./environment.js";
import { ClientClosedError, InvalidOptionError, UnknownNodeError } from "./errors.js";
import { type DuplicateOptions, duplicateOptions } from "./options/duplicate.js";
import {
  type ConnectionOptions,
  connectionOptions,
  requireFunction,
  type TransactionOptions,
  transactionOptions,
  watchedKeys,
} from "./options/lent.js";
import { redactedRedisOptions } from "./options/redact.js";
import { resolveOptions } from "./options/resolve.js";
import { sessionOptions } from "./options/session.js";
import type { ReplicatedClientOptions } from "./options/types.js";
import { resolveView } from "./options/view.js";
import { giveOwnEvents } from "./own-events.js";
import { asSession, type ReplicatedSession, type SessionOptions } from "./replicated-session.js";
import { type Chain, runTransaction, type Try } from "./transaction-loop.js";
import type {
  Explanation,
  HealthReport,
  NodeDescription,
  Topology,
  TopologyEvent,
  Traced,
  ViewOptions,
} from "./types.js";

/** The parts of a client that are not ioredis's; under symbols, so that views made by inheritance find them. */
const CORE = Symbol("core");
const SCOPE = Symbol("scope");
const COLLECTOR = Symbol("collector");
const ORIGIN = Symbol("origin");

/**
 * One logical connection to a Redis (or Valkey) master and its replicas. Writes go to the master, reads to
 * replicas; a reader never sees less than it has itself written, never older than the tolerance it set; failovers
 * are followed, and what one lost is told.
 *
 * It is an ioredis client by class, and can stand where an application or a library has one.
 *
 * ```ts
 * const redis = new ReplicatedClient({ master: "redis://10.0.0.1:6379", replicas: ["redis://10.0.0.2:6379"] });
 * await redis.set("greeting", "hello");
 * await redis.get("greeting"); // "hello", from whichever node surely has it
 * ```
 */
export class ReplicatedClient extends Redis {
  /** @internal */ declare readonly [CORE]: ClientCore;
  /** @internal */ declare readonly [SCOPE]: Scope;
  /** @internal */ declare readonly [COLLECTOR]: PipelineCollector;
  /** @internal The client that a view was made of; undefined on a client itself. */
  declare readonly [ORIGIN]: ReplicatedClient | undefined;
  /** @internal Whether replies have the plain shapes that need no ioredis `Command`. */
  declare readonly [LEAN]: boolean;

  /**
   * @param options exactly one of `nodes`, `master`, `sentinels`, `dev`; or a URL of one node. All options with
   * types, defaults and limits are in docs/options.md.
   * @throws InvalidOptionError that names the option, the value and what is allowed
   */
  constructor(options: string | ReplicatedClientOptions) {
    const origin = duplicated(options);
    const resolved = origin?.core.options ?? resolveOptions(options as string | ReplicatedClientOptions);
    const environment = origin?.core.environment ?? environmentOf(options, resolved.transport);
    const shown = redactedRedisOptions(resolved);
    if (origin?.keyPrefix !== undefined) shown.keyPrefix = origin.keyPrefix;
    super({ lazyConnect: true, ...(shown.keyPrefix === undefined ? {} : { keyPrefix: shown.keyPrefix }) });
    this.options = shown;
    hide(this, CORE, new ClientCore(resolved, this as never, environment, origin?.core ?? null));
    hide(this, SCOPE, new Scope(resolved.view, origin?.db ?? resolved.db));
    hide(this, COLLECTOR, collectorFor(this));
    const { replyMapping, commandTimeout } = resolved.redis;
    hide(this, LEAN, replyMapping !== "resp3" && commandTimeout === undefined);
    // What ioredis made for a connection of its own; there is none.
    for (const unused of ["connector", "offlineQueue", "commandQueue", "_autoPipelines", "_runningAutoPipelines"])
      hide(this, unused, (this as never)[unused]);
    const scripts = resolved.redis.scripts;
    if (scripts)
      for (const [name, definition] of Object.entries(scripts)) this.defineCommand(name, definition as never);
    if (!resolved.lazyConnect && origin === null) this[CORE].begin();
  }

  /** ioredis's own door for commands: every command comes through here. @internal */
  override sendCommand(command: Command, stream?: object): unknown {
    const core = this[CORE];
    const scope = this[SCOPE];
    if (!core.ended) core.begin();
    if (stream !== undefined && stream !== null) this[COLLECTOR].add(command, stream);
    else {
      this[COLLECTOR].flush();
      core.dispatcher.execute(command, scope);
    }
    return command.promise;
  }

  /**
   * A view: a full client over the same connections, with other options. Cheap; keep it and use it again.
   * @throws InvalidOptionError on an unknown key or a value out of its limits
   */
  with(options: ViewOptions): this {
    const { view, lastDb, session } = this[SCOPE];
    return makeView(this, new Scope(resolveView(options, view), lastDb, null, session)) as this;
  }

  /**
   * Runs `fn` with a view whose calls are written down: what was read, from which node, at which offset, how old at most.
   * Single calls, pipelines and MULTI alike; nothing is sent for it, and other calls of the client cost no more.
   *
   * ```ts
   * const { value, calls: [read] } = await redis.traced((r) => r.get("k"));
   * read?.node; read?.offset; read?.stalenessMs;
   * ```
   * @returns what `fn` returned, and its calls. Rejects with whatever `fn` throws
   */
  async traced<T>(fn: (redis: this) => T | Promise<T>): Promise<Traced<T>> {
    requireFunction("traced", fn);
    const { view, lastDb, session, node, lent } = this[SCOPE];
    const log = new CallLog(view.trace);
    const scope = new Scope(Object.freeze({ ...view, trace: log.note }), lastDb, node, session, lent);
    return log.with(await fn(makeView(this, scope) as this));
  }

  /**
   * A causal session: a view that reads at least what it has itself written and read, across nodes, failovers and, by
   * its token, processes. Cheap; one per user or request.
   * @param token what `token()` of another session gave; without one the session has seen nothing yet
   * @throws InvalidTokenError for a token that is none, if `onInvalid` is `"throw"`; InvalidOptionError
   */
  session(token?: string | null, options?: SessionOptions): ReplicatedSession {
    const { view, lastDb } = this[SCOPE];
    const { onInvalid } = sessionOptions(options);
    const { sessions } = this[CORE].engine;
    const session = sessions.create();
    if (token !== undefined && token !== null) sessions.merge(session, token, onInvalid);
    // What `eventual` reads show nothing can be promised of: a session that was asked for holds.
    const causal = view.consistency === "eventual" ? resolveView({ consistency: "session" }, view) : view;
    const made = makeView(this, new Scope(causal, lastDb, null, session));
    return asSession(made, session, () => this[CORE].engine.sessions);
  }

  /** How many tokens given to `session()` and `merge()` were garbage or had expired. */
  get tokens(): TokenCounts {
    return this[CORE].engine.sessions.tokens;
  }

  /**
   * An optimistic transaction on a connection of its own to the master: WATCHes `keys`, runs `fn(tx)`, whose commands
   * run at once, then EXECs the chain `tx.multi()…` that `fn` returned without executing it. Begins again when a
   * watched key was changed by others, and on the new master when a failover came before EXEC was sent.
   *
   * ```ts
   * await redis.transaction(["stock"], async (tx) =>
   *   Number(await tx.get("stock")) > 0 ? tx.multi().decr("stock").rpush("orders", order) : undefined);
   * ```
   * @returns EXEC's replies; null if `fn` returned undefined. Rejects with the first error reply among them, with
   * TransactionConflictError after `retries`, UnknownOutcomeError if EXEC was sent and not answered, or whatever `fn` throws
   */
  async transaction(
    keys: string | Buffer | readonly (string | Buffer)[],
    fn: (tx: this) => ChainableCommander | undefined | Promise<ChainableCommander | undefined>,
    options?: TransactionOptions,
  ): Promise<unknown[] | null> {
    const core = this[CORE];
    const watched = watchedKeys(keys);
    requireFunction("transaction", fn);
    const resolved = transactionOptions(options, core.options.failoverTimeoutMs);
    const begin = async (): Promise<Try> => {
      const lent = await lend(this, "transaction", null);
      return {
        watch: async () => (watched.length === 0 ? "OK" : lent.view.watch(...watched)),
        run: async () => (await fn(lent.view as this)) as Chain | undefined,
        end: () => lent.end(),
      };
    };
    return runTransaction({ clock: core.clock, random: core.random, begin }, resolved);
  }

  /**
   * Lends a connection of its own to `fn`: every command of the client it is given goes over that one connection, in
   * order, blocking and subscribing ones too (its messages are emitted on it alone). It is never moved to another
   * node: when it is lost every use rejects with ConnectionBoundError. Once `fn` has settled it can't be used any more.
   * @returns what `fn` returns. Rejects with NoMasterError, PoolExhaustedError, UnknownNodeError, or whatever `fn` throws
   */
  async withConnection<T>(fn: (connection: this) => T | Promise<T>, options?: ConnectionOptions): Promise<T> {
    requireFunction("withConnection", fn);
    const { node } = connectionOptions(options);
    const lent = await lend(this, "withConnection", node === null ? null : nodeNamed(this, node).id);
    try {
      return await fn(lent.view as this);
    } finally {
      await lent.end();
    }
  }

  /**
   * A full client that speaks to one node only, whatever its role; nothing is routed, retried or verified.
   * @param id `host:port`, as the topology names the node
   * @throws UnknownNodeError at once when there is no such node
   */
  node(id: string): this {
    return makeView(this, new Scope(this[SCOPE].view, this[SCOPE].lastDb, nodeNamed(this, id).id)) as this;
  }

  /** The nodes and what they are to each other, now; frozen. */
  get topology(): Topology {
    return this[CORE].engine.topology;
  }

  /** Where this command would go now, and why not elsewhere. Nothing is sent. */
  explain(command: string, ...args: (string | Buffer | number)[]): Explanation {
    const { engine } = this[CORE];
    const scope = this[SCOPE];
    const made = new Command(command, args, this.options.keyPrefix ? { keyPrefix: this.options.keyPrefix } : {});
    made.promise.catch(() => {});
    const spec = engine.table.of(made.name, made.args);
    const operation = new Operation(made, spec, scope.view, scope.lastDb, engine.clock.now(), engine, () => {});
    operation.session = scope.session;
    return explain(engine, operation, scope);
  }

  /** For liveness and readiness probes; synchronous, asks nobody. */
  health(): HealthReport {
    return healthReport(this[CORE].engine, this[SCOPE].view, this.status);
  }

  /** The in-process servers of a client made with `{ dev }`; rejects for any other. Shared by views and duplicates. */
  get dev(): Promise<DevTopology> {
    const { dev } = this[CORE];
    return dev
      ? dev.topology
      : Promise.reject(new InvalidOptionError("dev", "was not given: this client has no in-process servers"));
  }

  /** As ioredis's: resolves at `ready`. Rejects with NoMasterError and a reason per node after `failoverTimeoutMs`. Revives an ended client. */
  override connect(callback?: (error: Error | null) => void): Promise<void> {
    const connected = this[CORE].connect();
    if (callback) connected.then(() => callback(null), callback);
    return connected;
  }

  /** Refuses new commands, lets those under way finish, then ends. Twice is the same promise. */
  override quit(callback?: (error: Error | null, reply?: "OK") => void): Promise<"OK"> {
    this[COLLECTOR].flush();
    const ended = this[CORE].quit();
    if (callback) ended.then((reply) => callback(null, reply), callback);
    return ended;
  }

  /** Ends at once; what is under way rejects, blocked commands included. `disconnect(true)` looks at all nodes anew instead. */
  override disconnect(reconnect = false): void {
    this[COLLECTOR].flush();
    if (reconnect) this[CORE].engine.surveyor.requestCheck();
    else this[CORE].disconnect();
  }

  /** As {@link disconnect}. */
  override end(): void {
    this.disconnect();
  }

  /**
   * A client with its own life, subscriptions and blocked commands over the same topology and shared connections;
   * it opens sockets only as it uses them. `override` may name `db` and `keyPrefix`, and ioredis options that change
   * nothing here (such as `maxRetriesPerRequest`, `enableReadyCheck`); any other throws InvalidOptionError.
   */
  override duplicate(override?: Partial<RedisOptions>): ReplicatedClient & Redis<AnyReplies> {
    const root = this[ORIGIN] ?? this;
    return new ReplicatedClient({
      [DUPLICATE_OF]: { core: root[CORE], ...duplicateOptions(override, this[SCOPE].lastDb, this.options.keyPrefix) },
    } as never) as never;
  }

  /** As ioredis's `monitor()`: an instance of its own on the master that emits `monitor` for every command there. */
  override monitor(callback?: (error: Error | null, instance?: Redis) => void): Promise<Redis> {
    const core = this[CORE];
    const { node } = this[SCOPE];
    core.begin();
    const monitor = (node === null ? core.dedicated : core.dedicatedTo(node)).monitor();
    if (callback) monitor.then((instance) => callback(null, instance), callback);
    return monitor;
  }

  /** For `util.inspect`: state, nobody's secrets. @internal */
  [inspect.custom](): object {
    const { state, master, replicas } = this.topology;
    return {
      ReplicatedClient: {
        status: this.status,
        state,
        master: master?.id ?? null,
        replicas: replicas.map(({ id }) => id),
      },
    };
  }

  /** @internal */
  toJSON(): object {
    return { status: this.status, topology: this.topology };
  }
}

/** Typed events beside ioredis's own. */
export interface ReplicatedClient {
  on(event: "topology", listener: (event: TopologyEvent) => void): this;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Node\'s emitter has it
  on(event: string | symbol, listener: (...args: any[]) => void): this;
  once(event: "topology", listener: (event: TopologyEvent) => void): this;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Node\'s emitter has it
  once(event: string | symbol, listener: (...args: any[]) => void): this;
}

/**
 * ioredis computes a duplicate's reply mapping from its argument by a conditional type, to which only `any` is
 * assignable; the overloads of ReplicatedClient come first, so that callers never meet it.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyReplies = any;

/** What a duplicate is made of; not to be reached from outside. */
const DUPLICATE_OF = Symbol("duplicateOf");
interface Origin extends DuplicateOptions {
  readonly core: ClientCore;
}

function duplicated(options: unknown): Origin | null {
  return typeof options === "object" && options !== null && DUPLICATE_OF in options
    ? (options as { [DUPLICATE_OF]: Origin })[DUPLICATE_OF]
    : null;
}

function nodeNamed(client: ReplicatedClient, id: string): NodeDescription {
  const { engine } = client[CORE];
  const node = engine.describeNode(id);
  if (node !== null) return node;
  throw new UnknownNodeError(
    id,
    engine.topology.nodes.map((one) => one.id),
  );
}

/** A view over a connection that is its own until `end()`; `node` null = the master. */
async function lend(client: ReplicatedClient, command: string, node: string | null): Promise<Lent> {
  const core = client[CORE];
  const { view, lastDb, session } = client[SCOPE];
  if (core.ended) throw new ClientClosedError({ command });
  core.begin();
  const messages = new EventEmitter();
  const bound = await (node === null ? core.dedicated : core.dedicatedTo(node)).lend(command, messages);
  const made = makeView(client, new Scope(view, lastDb, bound.node, session, bound), messages);
  // The client's own end is not theirs to bring about.
  hide(made, "quit", () => made.call("QUIT"));
  for (const name of ["disconnect", "end"]) hide(made, name, () => bound.abandon("it was disconnected", true));
  return { view: made, end: () => bound.end() };
}

interface Lent {
  readonly view: ReplicatedClient;
  end(): Promise<void>;
}

/** A view inherits everything from its client, listeners included, but has a scope and a pipeline of its own. */
function makeView(client: ReplicatedClient, scope: Scope, own: EventEmitter | null = null): ReplicatedClient {
  const view = Object.create(client) as ReplicatedClient;
  hide(view, SCOPE, scope);
  hide(view, COLLECTOR, collectorFor(view));
  hide(view, ORIGIN, client[ORIGIN] ?? client);
  hide(view, "scriptsSet", Object.create((client as unknown as { scriptsSet: object }).scriptsSet));
  for (const field of ["_events", "_eventsCount", "_maxListeners", "status"]) {
    Object.defineProperty(view, field, {
      get: () => (client as unknown as Record<string, unknown>)[field],
      set: (value) => {
        (client as unknown as Record<string, unknown>)[field] = value;
      },
      enumerable: false,
    });
  }
  if (own !== null) giveOwnEvents(view, own);
  return view;
}

function collectorFor(client: ReplicatedClient): PipelineCollector {
  return new PipelineCollector((commands) => client[CORE].dispatcher.executeUnit(commands, client[SCOPE]));
}

installMethods(ReplicatedClient.prototype);
