import type { Duplex } from "node:stream";
import type { Clock } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { Bytes, ErrorReply, Reply } from "../protocol/resp/reply.js";
import { Acl } from "./acl/acl.js";
import type { Aof } from "./aof/aof.js";
import { commandGroups } from "./commands/index.js";
import type { Config } from "./config/config.js";
import { Blocking } from "./dispatch/blocking.js";
import { Client } from "./dispatch/client.js";
import { ClientContext } from "./dispatch/client-context.js";
import { CommandSet } from "./dispatch/command-set.js";
import { Dispatcher } from "./dispatch/dispatcher.js";
import { Effects } from "./dispatch/effects.js";
import type { FaultHooks, ReplicationHooks } from "./dispatch/hooks.js";
import { LatencyMonitor } from "./dispatch/latency-monitor.js";
import { Pause } from "./dispatch/pause.js";
import { PubSub } from "./dispatch/pubsub.js";
import type { Command } from "./dispatch/registry.js";
import { SlowLog } from "./dispatch/slow-log.js";
import { StandaloneReplication } from "./dispatch/standalone.js";
import { Stats } from "./dispatch/stats.js";
import { TrafficMeter } from "./dispatch/traffic.js";
import { ActiveExpiry } from "./keyspace/active-expiry.js";
import type { Database } from "./keyspace/database.js";
import { Keyspace } from "./keyspace/keyspace.js";
import type { OwnExpiry } from "./keyspace/own-expiry.js";
import { Memory } from "./memory/memory.js";
import { MigrationTargets } from "./migration/targets.js";
import { refusalOf } from "./net/admission.js";
import type { Endpoints } from "./net/connection.js";
import { Connection } from "./net/connection.js";
import { ClientLimits } from "./net/limits.js";
import { Listener } from "./net/listener.js";
import { Tls } from "./net/tls.js";
import { systemTransport, type Transport } from "./net/transport.js";
import type { FunctionStore } from "./rdb/functions.js";
import { Loader } from "./rdb/loader.js";
import type { Saver } from "./rdb/saver.js";
import { Snapshots } from "./rdb/snapshots.js";
import { Scripting } from "./scripting/scripting.js";
import type { RestartRequest } from "./self-restart.js";
import type { LogLevel, ServerCoreOptions } from "./server-core-options.js";
import type { Shutdown } from "./shutdown.js";
import { type Finish, StandStill } from "./stand-still.js";
import { Tracking } from "./tracking/tracking.js";

/**
 * A server without replication: clients, commands, databases. Replication and faults are plugged in by assigning
 * `replication` and `faults` before `listen()`.
 */
export class ServerCore {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Config;
  readonly log: (level: LogLevel, text: string) => void;
  readonly runId: string;
  readonly startedMs: number;
  readonly ephemeralPort: "tcp" | "tls" | null;
  readonly mode: "standalone" | "sentinel";
  readonly tls: Tls;
  readonly transport: Transport;
  replication: ReplicationHooks = new StandaloneReplication();
  faults: FaultHooks | null = null;

  readonly keyspace: Keyspace;
  readonly clients = new Map<number, Client>();
  readonly monitors = new Set<Client>();
  readonly effects = new Effects();
  readonly stats = new Stats();
  readonly traffic: TrafficMeter;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  readonly pubsub = new PubSub();
  readonly blocking: Blocking;
  readonly pause: Pause;
  readonly limits: ClientLimits;
  readonly tracking: Tracking;
  readonly memory: Memory;
  readonly acl: Acl;
  readonly commands: CommandSet;
  readonly expiry: ActiveExpiry;
  /** Of a replica that is or was writable; null costs nothing. */
  ownExpiry: OwnExpiry | null = null;
  /** Writes the data down while it is used. */
  readonly snapshots: Snapshots;
  readonly loader: Loader;
  /** Saves the data, where there is a place for it. */
  saver: Saver | null = null;
  /** Function libraries, if this server has them: they are saved and loaded with the data. */
  functionStore: FunctionStore | null = null;
  /** The client in whose name the master's commands run. */
  readonly masterClient: Client;
  readonly scripting: Scripting;
  /** What others than SCRIPT KILL and its like are told while a script is set aside that takes long; null: none is. */
  busy: ErrorReply | null = null;
  /** Told when a script is set aside, and when it is done: what comes from a master has to wait meanwhile. */
  onBusy: ((busy: boolean) => void) | null = null;
  /** Told when a pause has let go of what it held of a master's stream. */
  onMasterResumed: (() => void) | null = null;
  /** True while EXEC runs its commands: nothing may block. */
  inExec = false;
  /** A command waits for another server: see `suspend`. */
  suspended = false;
  /** DEBUG PAUSE-CRON: what happens by time stands still. */
  cronPaused = false;
  /** DEBUG SLEEP and MIGRATE: nothing that comes in is read. */
  readonly still: StandStill = new StandStill(this);
  /** Where MIGRATE takes keys to. */
  readonly migration: MigrationTargets = new MigrationTargets(this);
  /** Told when a shutdown begins to close the server, all being saved; set by who owns it. */
  onShutdown: (() => void) | null = null;
  /** DEBUG SEGFAULT and its like: ends the server as a bug would; set by who owns it. */
  onCrash: ((signal: "SIGSEGV" | "SIGABRT") => void) | null = null;
  /** DEBUG RESTART and CRASH-AND-RECOVER: ends the server at once and starts it anew; set by who owns it. */
  onRestart: ((request: RestartRequest) => void) | null = null;
  /** Something that a server can't live with, which was logged: ends it with an error; set by who owns it. */
  onFatal: (() => void) | null = null;
  /** The append-only log; null where there is no place for one. */
  aof: Aof | null = null;
  /** What changes the data goes into the append-only log. */
  appending = false;
  /** SHUTDOWN; null where nobody could end this server. */
  shutdown: Shutdown | null = null;

  readonly #dispatcher: Dispatcher;
  readonly #listener: Listener;
  #nextClientId = 1;
  #closing: Promise<void> | null = null;

  constructor(options: ServerCoreOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.config = options.config;
    this.log = options.log ?? (() => {});
    this.ephemeralPort = options.ephemeralPort ?? null;
    this.tls = new Tls(this.config, (text) => this.log("warning", text), options.tls ?? null);
    this.transport = options.transport ?? systemTransport;
    this.runId = this.random.hex(40);
    this.startedMs = this.clock.epoch();
    this.traffic = new TrafficMeter(this);
    this.keyspace = new Keyspace(this);
    this.slowLog = new SlowLog(this);
    this.latency = new LatencyMonitor(this);
    this.blocking = new Blocking(this);
    this.pause = new Pause(this);
    this.limits = new ClientLimits(this);
    this.tracking = new Tracking(this);
    this.memory = new Memory(this);
    this.mode = options.mode ?? "standalone";
    this.commands = options.only
      ? new CommandSet(options.only.groups, options.only.specs)
      : new CommandSet([...commandGroups, ...(options.groups ?? [])]);
    for (const [from, to] of this.config.renames) this.commands.rename(from, to);
    this.acl = new Acl(this);
    this.expiry = new ActiveExpiry(this);
    this.snapshots = new Snapshots(this);
    this.loader = new Loader(this);
    this.scripting = new Scripting(this);
    this.functionStore = this.scripting.libraries;
    this.#dispatcher = new Dispatcher(this);
    this.#listener = new Listener(this);
    this.masterClient = this.#createClient(null);
    this.masterClient.isMasterLink = true;
    this.config.onChange((names) => this.replication.configChanged(names));
  }

  /** The databases by number. */
  get databases(): readonly Database[] {
    return this.keyspace.databases;
  }

  /** The TCP port listened on; 0 while none is. */
  get port(): number {
    return this.#listener.port;
  }

  /** The port listened on with TLS; 0 while none is. */
  get tlsPort(): number {
    return this.#listener.tlsPort;
  }

  /** Listens where `bind`, `port` and `unixsocket` say. Rejects with the system's error. */
  async listen(): Promise<void> {
    await this.#listener.open();
  }

  /** Stops accepting; connections that exist stay. `listen()` opens again, on the same port. */
  async stopListening(): Promise<void> {
    await this.#listener.close();
  }

  /** Ends everything: no socket, no timer is left. With `reset` peers see a reset connection, as after kill -9. Idempotent. */
  close(options: { readonly reset?: boolean; readonly save?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(options.reset ?? false, options.save ?? false);
    return this.#closing;
  }

  async #close(reset: boolean, save: boolean): Promise<void> {
    const listening = this.#listener.close();
    await this.replication.shutdown(save);
    this.shutdown?.stop();
    this.aof?.close(reset);
    this.expiry.stop();
    this.ownExpiry?.stop();
    this.pause.stop();
    this.limits.stop();
    this.tls.stop();
    this.tracking.stop();
    this.memory.stop();
    this.still.stop();
    this.migration.stop();
    for (const client of [...this.clients.values()]) {
      if (reset) client.connection?.destroy(true);
      else this.kill(client);
    }
    this.scripting.close();
    await listening;
  }

  /** Takes a connection in, from a listener or from elsewhere; null if it was refused. */
  accept(stream: Duplex, endpoints: Endpoints): Client | null {
    this.stats.connectionsReceived++;
    const refused = refusalOf(this, endpoints);
    if (refused !== null) return this.#refuse(stream, refused);
    const connection = new Connection(stream, endpoints, this.clock);
    const client = this.#createClient(connection);
    this.clients.set(client.id, client);
    this.acl.reset(client);
    connection.onData = (chunk) => {
      client.decoder.push(chunk);
      this.#dispatcher.workOff(client);
      // Ahead of the replies, which go out when this returns.
      if (this.appending) this.aof?.flush();
      this.limits.checkQuery(client);
    };
    connection.onClose = () => this.#forget(client);
    if (this.still.active) connection.holdInput(true);
    this.faults?.clientOpened(client);
    return client;
  }

  /** Works off what a client has sent, as far as it is not blocked, paused or closing. */
  resumeClient(client: Client): void {
    if (client === this.masterClient) this.onMasterResumed?.();
    else this.#dispatcher.workOff(client);
  }

  /**
   * Runs a command of the master's stream: never refused, never sent to anybody, not fed to `replication.feed`.
   * Returns its reply, so that an error can be logged.
   */
  executeFromMaster(argv: readonly Bytes[]): Reply {
    return this.#dispatcher.executeFromMaster(argv);
  }

  /** True if a pause holds this command of the master's stream; `onMasterResumed` tells when to ask again. */
  holdsFromMaster(argv: readonly Bytes[]): boolean {
    return this.#dispatcher.holdsFromMaster(argv);
  }

  /** Commands of the master's stream are about to run: takes the time for them. */
  beginMasterTurn(): void {
    this.#dispatcher.beginTurn();
  }

  /** A new link to a master begins: no MULTI is open, and its database is `db`. */
  resetMasterLink(db = 0): void {
    const client = this.masterClient;
    client.queued = null;
    client.queueBroken = false;
    this.pause.forget(client);
    client.db = this.databases[db] as Database;
  }

  /** Queues a command for the replication stream, unless the master sent what caused it. */
  propagate(client: Client | null, db: number, argv: readonly Bytes[]): void {
    if (this.replication.feeding && (this.appending || client?.isMasterLink !== true)) this.effects.add(db, argv);
  }

  /** Runs the retry of a parked client as a unit of its own; see `Blocking.serve`. `targets`: see `Effects.targets`. */
  runForWaiter(client: Client, retry: () => Reply | null, targets?: number): Reply | null {
    return this.#dispatcher.runForWaiter(client, retry, targets);
  }

  /** Runs a command that a script calls. `targets`: where what it changes is propagated to. */
  runForScript(client: Client, command: Command, args: readonly Bytes[], targets: number): Reply {
    return this.#dispatcher.runForScript(client, command, args, targets);
  }

  /** Ends the command of a client that was parked in the midst of it. */
  endParked(client: Client, reply: Reply): void {
    this.#dispatcher.endParked(client, reply);
  }

  /** A script was set aside (others are told so with `error`), or is done with (null). */
  setBusy(error: ErrorReply | null): void {
    this.busy = error;
    this.effects.held = error !== null;
    this.onBusy?.(error !== null);
  }

  /** A client without a connection, in whose name the server itself runs commands. */
  innerClient(): Client {
    return this.#createClient(null);
  }

  /** EXEC's work: runs what the client has queued. */
  runQueued(client: Client): Reply {
    return this.#dispatcher.exec.run(client);
  }

  /** Suspends the command that a client runs, and the server with it, until `start` has called back. */
  suspend(client: Client, start: (done: (finish: Finish) => void) => void): Reply {
    return this.#dispatcher.exec.suspend(client, start);
  }

  /** Closes a client's connection: at once, or after its reply if it is the one whose command runs. */
  kill(client: Client): void {
    if (client.isMasterLink) return this.replication.dropMaster();
    client.closing = true;
    if (client.busy) return;
    client.connection?.flush();
    client.connection?.destroy();
  }

  /** The instance has become a replica: blocked clients get -UNBLOCKED and are closed, as Redis does. */
  unblockAll(error: ErrorReply): void {
    this.blocking.unblockAll(error);
  }

  /** The stream of a master comes by this connection from now on, or (null) no longer: CLIENT LIST shows it. */
  masterLinked(connection: Connection | null): void {
    const client = this.masterClient;
    const old = client.masterConnection;
    if (old !== null && old !== connection) this.traffic.closed(old.bytesIn, old.bytesOut, true);
    client.masterConnection = connection;
    if (connection === null) this.clients.delete(client.id);
    else this.clients.set(client.id, client);
  }

  /** Publishes a keyspace event if notify-keyspace-events wants it. */
  notify(eventClass: string, event: string, key: Bytes, db: number): void {
    const wanted = this.keyspace.events;
    if (wanted === "" || !wanted.includes(eventClass)) return;
    if (wanted.includes("K")) this.pubsub.publish(`__keyspace@${db}__:${key}`, event);
    if (wanted.includes("E")) this.pubsub.publish(`__keyevent@${db}__:${event}`, key);
  }

  #createClient(connection: Connection | null): Client {
    const client = new Client(
      this.#nextClientId++,
      connection,
      this.databases[0] as Database,
      this.acl.defaultUser,
      this.clock.epoch(),
      this.config.number("proto-max-bulk-len"),
    );
    client.ctx = new ClientContext(this, client);
    return client;
  }

  #forget(client: Client): void {
    client.closing = true;
    this.clients.delete(client.id);
    const { connection } = client;
    if (connection !== null) this.traffic.closed(connection.bytesIn, connection.bytesOut, client.isReplica);
    this.monitors.delete(client);
    this.blocking.release(client);
    this.pubsub.forget(client);
    this.keyspace.unwatch(client);
    this.tracking.disable(client);
    this.pause.forget(client);
    this.limits.forget(client);
    this.replication.clientClosed(client);
  }

  #refuse(stream: Duplex, text: string): null {
    this.stats.rejectedConnections++;
    stream.on("error", () => {});
    // A peer that leaves its end open must not keep the listener from closing.
    stream.end(text, "latin1", () => stream.destroy());
    return null;
  }
}
