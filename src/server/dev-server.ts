import { readFile } from "node:fs/promises";
import { type Clock, systemClock } from "../core/clock.js";
import { deferred } from "../core/deferred.js";
import { type Random, seededRandom, systemRandom } from "../core/random.js";
import { advanceClock } from "./advance.js";
import { MemoryLogDirectory } from "./aof/directory.js";
import { assembleServer } from "./assemble.js";
import { Config } from "./config/config.js";
import type { Address, DevServerOptions } from "./dev-options.js";
import { Faults } from "./faults/faults.js";
import type { LinkControl } from "./faults/link-control.js";
import { lagOf } from "./lag.js";
import { MemoryStore } from "./rdb/store.js";
import { seedFromRunning } from "./seed.js";
import { SelfRestart } from "./self-restart.js";
import type { ServerCore } from "./server-core.js";
import { captureServer, type Run, takeUpServer } from "./server-state.js";
import { ServerSnapshot } from "./snapshots.js";
import { ReplicationTap } from "./tap.js";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/**
 * A Redis server inside this process, on a real port: clients and real redis-servers talk to it as to one of their own.
 * Started by {@link DevServer.start}.
 */
export class DevServer implements AsyncDisposable {
  /** Faults that can be given to this server; they outlast `crash()` and `restart()`. */
  readonly faults: Faults<DevServer> = new Faults<DevServer>();
  readonly #options: DevServerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #store = new MemoryStore();
  readonly #taps = new Set<ReplicationTap>();
  readonly #logDirectory = new MemoryLogDirectory();
  readonly #watchers = new Set<() => void>();
  readonly #selfRestart: SelfRestart;
  #run: Run | null = null;
  #master: Address | null;
  #port: number;
  #stopped: Promise<void> | null = null;

  private constructor(options: DevServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.seed === undefined ? systemRandom : seededRandom(options.seed);
    this.#master = options.replicaOf ?? null;
    this.#port = options.port ?? 0;
    this.#selfRestart = new SelfRestart(this.#clock, () => this.#beginAgain());
  }

  /**
   * Starts a server; resolves when it accepts connections (a replica: before its first sync).
   * @throws RangeError for a port out of range; Error for a bind beyond loopback without a password, an unknown
   * directive, a bad value; the system's error where the port is taken
   */
  static async start(options: DevServerOptions = {}): Promise<DevServer> {
    const { host = "127.0.0.1", port = 0, password } = options;
    if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
      throw new RangeError(`port must be 0 … 65535, got ${port}`);
    if (!LOOPBACK.has(host) && !password && options.transport?.isPrivate !== true) {
      throw new Error(
        `a dev server on ${host} could be reached by others: give it a password, or leave it on 127.0.0.1`,
      );
    }
    const server = new DevServer(options);
    const { rdb, seedFrom } = options;
    if (rdb !== undefined && seedFrom !== undefined) throw new Error("give a dev server rdb or seedFrom, not both");
    if (rdb !== undefined) server.#store.write(typeof rdb === "string" ? await readFile(rdb) : Buffer.from(rdb));
    await server.#begin();
    try {
      if (seedFrom !== undefined) await seedFromRunning(server.#running(), seedFrom, server.#watchers);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** TCP port; the same after a restart. */
  get port(): number {
    return this.#port;
  }

  /** `redis://host:port`, with TLS `rediss://host:port`; without the password. */
  get url(): string {
    const scheme = this.#options.tls ? "rediss" : "redis";
    return `${scheme}://${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.#port}`;
  }

  /** The address it listens on. */
  get host(): string {
    return this.#options.host ?? "127.0.0.1";
  }

  /** Its source of time, as `start()` was given it. */
  get clock(): Clock {
    return this.#clock;
  }

  /** Control of the link by which it follows its master: pause, delay, cut, hold ACKs, go step by step. */
  get link(): LinkControl {
    return this.faults.link;
  }

  /**
   * Listens to the replication stream that this server hands on: on a master what it writes, on a replica what it has
   * applied. A master without replicas begins to count its stream then, as it does for the first replica. The tap outlasts
   * `crash()` and `restart()`.
   * @throws Error if it doesn't run
   */
  tap(): ReplicationTap {
    const run = this.#running();
    const tap = new ReplicationTap(
      this.#clock,
      () => this.#run?.replication.out.flush(),
      (closed) => {
        this.#taps.delete(closed);
        if (this.#taps.size === 0 && this.#run) this.#run.replication.onStream = null;
      },
    );
    this.#taps.add(tap);
    this.#listen(run);
    tap.begin(dbOf(run));
    return tap;
  }

  /**
   * Moves its clock, and the clock of all who share it, forward by `ms` milliseconds: what falls due happens in its order,
   * and what it sends arrives before time goes on. Over sockets of the machine bytes get a few turns of the event loop, over
   * a `memoryTransport()` as long as they need.
   * @throws Error if it was not started with a `manualClock()`
   */
  advance(ms: number): Promise<void> {
    return advanceClock(this.#clock, ms, this.#options.transport);
  }

  /** False after `crash()` or `stop()`. */
  get running(): boolean {
    return this.#run !== null;
  }

  /** Its role now; of a server that doesn't run, the role it will start with. */
  get role(): "master" | "replica" {
    return this.#run?.replication.role ?? (this.#master ? "replica" : "master");
  }

  /** Replication id of the history its data belongs to, 40 hex digits. @throws Error if it doesn't run */
  get replid(): string {
    return this.#running().replication.out.replid;
  }

  /** Offset of its replication stream; on a replica, what it has applied. @throws Error if it doesn't run */
  get offset(): number {
    return this.#running().replication.offset;
  }

  /** DEBUG DIGEST of its data, 40 hex digits: equal to a real server's for equal data. @throws Error if it doesn't run */
  digest(): string {
    return this.#running().replication.digest();
  }

  /** Makes it a replica of a master, or with `null` a master. Resolves when the role has changed, not when it is in sync. */
  replicaOf(master: null): Promise<void>;
  replicaOf(host: string, port: number): Promise<void>;
  async replicaOf(host: string | null, port = 0): Promise<void> {
    const { replication } = this.#running();
    if (host === null) replication.promote();
    else replication.follow(host, port);
  }

  /** Ends it as kill -9 does: every socket is reset, the memory is gone. What SAVE wrote stays. */
  async crash(): Promise<void> {
    await this.#end(this.#running(), true);
  }

  /** Ends what runs, as kill -9 does, or as a server that has been told to. */
  async #end(run: Run, crash: boolean, save = false): Promise<void> {
    this.#remember(run);
    this.#run = null;
    this.faults.detach();
    if (crash) run.replication.crash();
    await run.core.close({ reset: crash, save });
    this.#changed();
  }

  /**
   * Starts it again on the same port, in the role it had. With `data: "keep"` a running server is shut down as by
   * SHUTDOWN SAVE, a crashed one comes back with what it had saved; with `"drop"` it comes back empty.
   */
  async restart(options: { readonly data: "keep" | "drop" }): Promise<void> {
    if (this.#stopped) throw new Error("the dev server is stopped");
    this.#selfRestart.forget();
    if (this.#run) await this.#end(this.#run, false, options.data === "keep");
    if (options.data === "drop") {
      this.#store.clear();
      this.#logDirectory.clear();
    }
    await this.#begin();
    this.#changed();
  }

  /** Ends it for good; nothing of it is left. Any number of times. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /**
   * Resolves when this server follows `master`, has applied all that it has written so far, and the master knows.
   * @throws Error after `timeoutMs` milliseconds (of the server's clock)
   */
  async inSyncWith(master: DevServer, timeoutMs = 10_000): Promise<void> {
    if (lagOf(this.#run, master.#run) === null) return;
    const synced = deferred<void>();
    const check = (): void => {
      if (lagOf(this.#run, master.#run) === null) synced.resolve();
    };
    const timer = this.#clock.setTimer(() => {
      const why = lagOf(this.#run, master.#run);
      synced.reject(new Error(`${this.url} is not in sync with ${master.url} after ${timeoutMs} ms: ${why}`));
    }, timeoutMs);
    this.#watchers.add(check);
    master.#watchers.add(check);
    try {
      await synced.promise;
    } finally {
      this.#clock.clearTimer(timer);
      this.#watchers.delete(check);
      master.#watchers.delete(check);
    }
  }

  /**
   * Notes all that this server is: data, role, replid, offset, backlog, configuration. A few milliseconds for a small dataset.
   * @see DevServer.restore
   */
  snapshot(): ServerSnapshot {
    const run = this.#run;
    return new ServerSnapshot(run ? captureServer(run, this.#store.read()) : null, this.role);
  }

  /**
   * Becomes what it was, with the connections of its clients as they are: keys that have expired meanwhile are expired. A
   * replica asks its master to go on from there, which a master restored to the same time grants. Faults stay.
   * @throws Error if it is stopped
   */
  async restore(snapshot: ServerSnapshot): Promise<void> {
    await this.#takeUp(snapshot, snapshot.state?.master ?? null);
  }

  /**
   * Starts another server with the same data, history and configuration, on a port of its own. Of a replica another replica of
   * the same master.
   * @throws Error if this one doesn't run
   */
  async fork(): Promise<DevServer> {
    this.#running();
    const snapshot = this.snapshot();
    const { rdb: _rdb, seedFrom: _seedFrom, replicaOf: _replicaOf, ...options } = this.#options;
    const fork = await DevServer.start({ ...options, port: 0 });
    await fork.#takeUp(snapshot, snapshot.state?.master ?? null);
    return fork;
  }

  /** Restores all but whom it follows, which is `master`. For topologies. @internal */
  async takeUp(snapshot: ServerSnapshot, master: Address | null): Promise<void> {
    await this.#takeUp(snapshot, master);
  }

  async #takeUp({ state }: ServerSnapshot, master: Address | null): Promise<void> {
    if (state === null) {
      if (this.#run) await this.crash();
      return;
    }
    if (!this.#run) await this.restart({ data: "drop" });
    if (state.saved) this.#store.write(state.saved);
    else this.#store.clear();
    const run = this.#running();
    await takeUpServer(run, state);
    for (const tap of this.#taps) tap.begin(dbOf(run));
    if (master) run.replication.follow(master.host, master.port, true);
    this.#changed();
  }

  /** Holds writes of clients for at most `ms` milliseconds, as FAILOVER does; the function returned lets them go on. */
  pauseWrites(ms: number): () => void {
    const { core } = this.#running();
    core.pause.start("write", ms, "failover");
    return () => core.pause.end("failover");
  }

  #listen({ replication }: Run): void {
    if (this.#taps.size === 0) return;
    // What was fed before is not the new listener's.
    replication.out.flush();
    if (replication.role === "master") replication.activate();
    replication.onStream = (bytes) => {
      for (const tap of this.#taps) tap.take(bytes, replication.offset);
    };
  }

  async #begin(): Promise<void> {
    const { host = "127.0.0.1", password, transport, tls, config: directives = {} } = this.#options;
    // It listens on loopback, and who started it may look inside. A replica gets its dataset at once, without waiting for more.
    const config = new Config({ "enable-debug-command": "local", "repl-diskless-sync-delay": 0, ...directives });
    config.load("bind", host);
    config.load("port", tls ? "0" : String(this.#port));
    if (tls) {
      config.load("tls-port", String(this.#port));
      config.load("tls-replication", "yes");
      config.load("tls-auth-clients", tls.authClients ?? "no");
    }
    if (transport?.isPrivate === true) config.load("protected-mode", "no");
    if (password !== undefined && password !== "") {
      config.load("requirepass", password);
      config.load("masterauth", password);
    }
    const { core, replication, start } = assembleServer({
      clock: this.#clock,
      random: this.#random,
      config,
      ephemeralPort: tls ? "tls" : "tcp",
      ...(tls ? { tls: { ...tls, ca: tls.ca ?? tls.cert } } : {}),
      ...(transport ? { transport } : {}),
      store: this.#store,
      logDirectory: this.#logDirectory,
      ...(this.#options.log ? { log: this.#options.log } : {}),
    });
    core.onShutdown = () => this.#ended(core);
    core.onCrash = core.onFatal = () => void this.crash();
    core.onRestart = ({ delayMs, crash }) => {
      if (this.#run?.core === core) void this.#selfRestart.follow(this.#end(this.#run, crash), delayMs);
    };
    replication.onProgress = () => this.#changed();
    await start(this.#master, () => {
      this.#port = core.port || core.tlsPort;
      this.#run = { core, replication };
      this.faults.attach(core, replication);
      this.#listen(this.#run);
      for (const tap of this.#taps) tap.begin(dbOf(this.#run));
    });
  }

  /** Nobody waits for this start: where it fails (its port was taken meanwhile), the server stays down. */
  async #beginAgain(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      this.#options.log?.("warning", `The server can't start again: ${(error as Error).message}`);
    }
    this.#changed();
  }

  async #stop(): Promise<void> {
    const run = this.#run;
    this.#run = null;
    this.#selfRestart.forget();
    this.faults.clear();
    this.faults.detach();
    await run?.core.close();
    for (const tap of [...this.#taps]) tap.close();
    this.#changed();
  }

  /** SHUTDOWN by a client. */
  #ended(core: ServerCore): void {
    if (this.#run?.core !== core) return;
    this.#remember(this.#run);
    this.#run = null;
    this.faults.detach();
    this.#changed();
  }

  /** Notes whom it follows, so that a restart finds the same role. */
  #remember({ replication }: Run): void {
    const { link } = replication;
    this.#master = link ? { host: link.host, port: link.port } : null;
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  #running(): Run {
    if (this.#run) return this.#run;
    throw new Error(this.#stopped ? "the dev server is stopped" : "the dev server is down: restart() it");
  }
}

/** The database that the stream's next command applies to, if it doesn't say so. */
function dbOf({ core, replication }: Run): number {
  return replication.role === "replica" ? core.masterClient.db.index : replication.out.selected;
}
