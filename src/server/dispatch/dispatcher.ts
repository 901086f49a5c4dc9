import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY, QUEUED } from "../../protocol/resp/reply.js";
import { OUT_OF_MEMORY } from "../memory/memory.js";
import type { ServerCore } from "../server-core.js";
import type { Client, QueuedCommand } from "./client.js";
import { complainOfLink, dropTalkingReplica } from "./complaint.js";
import { CommandError, CountedErrorReply, errors, wrongArity } from "./errors.js";
import { Exec } from "./exec.js";
import { Flag } from "./flags.js";
import { LatencyHistogram } from "./latency-histogram.js";
import { feedMonitors } from "./monitor.js";
import { allowedInRestrictedPubSub, combinedBits, debugRefusal, unknownCommand } from "./refusals.js";
import type { Command } from "./registry.js";
import { arityFits, bytesOf, isHttp } from "./request.js";

/** Commands that run at once inside MULTI instead of being queued. */
const NOT_QUEUED = new Set(["exec", "discard", "multi", "watch", "quit", "reset"]);

/** Commands that a transaction can always be ended with, however little memory there is. */
const LEAVES_MULTI = new Set(["exec", "discard", "quit", "reset"]);

/** Bytes from which writing a reply takes time worth measuring. */
const LONG_REPLY = 4096;

/** The way of a command: check whether it may run, run it or queue it, answer, pass on what it changed. */
export class Dispatcher {
  /** On the clock's monotonic time: when the last command ended, which is when the next one of its turn begins. */
  #markMs = 0;
  /** When `keyspace.nowMs` was taken, on the same time. */
  #takenMs = 0;

  /** latency-tracking */
  #tracksLatency = true;

  readonly exec: Exec;

  constructor(private readonly server: ServerCore) {
    this.exec = new Exec(server, {
      call: (client, queued) => this.#callQueued(client, queued),
      prepare: (client) => {
        this.beginTurn();
        this.#prepare(client);
      },
      endUnit: (client) => {
        this.#afterUnit();
        client.streamOffset = server.replication.offset;
      },
    });
    const configure = (): void => {
      this.#tracksLatency = server.config.flag("latency-tracking");
    };
    configure();
    server.config.onChange(configure);
  }

  /** Runs what the client has sent, until it is blocked, paused, closing, or there is no complete command left. */
  workOff(client: Client): void {
    if (client.busy) return;
    client.busy = true;
    this.beginTurn();
    const { decoder } = client;
    while (!client.closing && client.waiter === null) {
      const args = client.postponed ?? decoder.next();
      client.postponed = null;
      if (args === null) break;
      this.#process(client, args);
      if (client.postponed !== null) break;
    }
    if (this.server.tracking.active) this.server.tracking.broadcast();
    client.argumentBytes = 0;
    client.busy = false;
    if (decoder.error !== null && !client.closing) {
      client.reply(new ErrorReply(`ERR ${decoder.error}`));
      client.closing = true;
    }
    if (client.closing) client.connection?.end();
  }

  /**
   * Commands are about to run, one after another. Asking for the time costs as much as a small command: it is asked for
   * here and after each command, and the time that counts (`keyspace.nowMs`) follows when a millisecond has gone by.
   */
  beginTurn(): void {
    this.#markMs = this.server.clock.now();
    this.server.traffic.tick(this.#markMs);
    this.#takeTime();
  }

  #takeTime(): void {
    this.#takenMs = this.#markMs;
    this.server.keyspace.nowMs = this.server.clock.epoch();
  }

  executeFromMaster(args: readonly Bytes[]): Reply {
    const client = this.server.masterClient;
    this.#prepare(client);
    const command = this.server.commands.resolve(args);
    let reply: Reply;
    if (command?.handler == null) reply = unknownCommand(this.server.commands, args);
    else if (!arityFits(command, args)) reply = wrongArity(command.name);
    else if (client.queued !== null && !NOT_QUEUED.has(command.name)) {
      client.queued.push({ command, args });
      return QUEUED;
    } else {
      reply = this.#call(client, command, args);
      this.#afterUnit();
      if (this.server.tracking.active) this.server.tracking.broadcast();
      return reply;
    }
    if (client.queued !== null) client.queueBroken = true;
    complainOfLink(this.server, client, reply as ErrorReply, command?.name ?? null);
    return reply;
  }

  holdsFromMaster(args: readonly Bytes[]): boolean {
    const { commands, masterClient, pause } = this.server;
    const command = commands.resolve(args);
    return command !== undefined && pause.holds(masterClient, this.#bitsOf(masterClient, command, args));
  }

  runForWaiter(client: Client, retry: () => Reply | null, targets?: number): Reply | null {
    const { effects, replication, keyspace } = this.server;
    const everywhere = effects.targets;
    effects.targets = targets ?? everywhere;
    effects.begin();
    keyspace.counting = false;
    try {
      return retry();
    } finally {
      effects.end(client.db.index, [], replication.feeding);
      effects.targets = everywhere;
      if (effects.pending) effects.flush(replication, true);
    }
  }

  /** Runs a command of a script, all checks done; what it changes is reported for it, not for the script's own command. */
  runForScript(client: Client, command: Command, args: readonly Bytes[], targets: number): Reply {
    const { effects } = this.server;
    const everywhere = effects.targets;
    effects.targets = targets;
    const reply = this.#call(client, command, args);
    effects.targets = everywhere;
    effects.begin();
    return reply;
  }

  /** The end of a command whose client was parked meanwhile: its unit is over, and its client goes on. */
  endParked(client: Client, reply: Reply): void {
    const { server } = this;
    const command = server.commands.byFullName(client.lastCommand);
    if (reply instanceof ErrorReply) {
      if (command !== undefined) command.failedCalls++;
      if (!(reply instanceof CountedErrorReply)) server.stats.countError(reply.text);
    }
    this.#afterUnit();
    client.streamOffset = server.replication.offset;
    server.blocking.unblock(client, reply);
  }

  /** Runs a queued command, unless the user has lost the right to it meanwhile. */
  #callQueued(client: Client, { command, args }: QueuedCommand): Reply {
    const denied = client.user.unrestricted ? null : this.server.acl.execRefusal(client, command, args);
    if (denied === null) return this.#call(client, command, args);
    this.server.stats.countError(denied.text);
    command.rejectedCalls++;
    return denied;
  }

  #process(client: Client, args: readonly Bytes[]): void {
    const { server } = this;
    this.#prepare(client);
    const name = args[0] as Bytes;
    if (server.faults !== null && this.#faulted(client, name, args)) return;
    this.#perform(client, args);
  }

  #perform(client: Client, args: readonly Bytes[]): void {
    const { server } = this;
    const name = args[0] as Bytes;
    const command = server.commands.resolve(args);
    if (command?.handler == null && isHttp(name)) {
      // A browser was led here by somebody else's page: don't let its body be read as commands.
      server.log("warning", "Possible SECURITY ATTACK detected. Connection aborted.");
      client.closing = true;
      client.connection?.destroy();
      return;
    }
    const refusal = this.#refusal(client, command, args);
    if (refusal === POSTPONED) {
      client.postponed = args;
      return;
    }
    if (refusal !== null) {
      this.#reject(client, command, refusal as ErrorReply);
      return;
    }
    const known = command as Command;
    client.lastCommand = known.name;
    const { tracking } = server;
    if (tracking.active) tracking.limit();
    if (client.queued !== null && !NOT_QUEUED.has(known.name)) {
      client.queued.push({ command: known, args });
      client.reply(QUEUED);
      return;
    }
    if (tracking.active) tracking.begin(client);
    const wasReplica = client.isReplica;
    const reply = this.#call(client, known, args);
    if (wasReplica && reply !== NO_REPLY && !client.isMonitor) dropTalkingReplica(server, client, known.name);
    // The time that a long answer takes to write is not the next command's.
    else if (reply !== NO_REPLY && client.reply(reply) > LONG_REPLY) this.#markMs = server.clock.now();
    if (tracking.active) tracking.end(client, known);
    if (server.monitors.size > 0) feedMonitors(server, client, known, args);
    if (client.replyMode !== "on") this.#nextReplyMode(client);
    this.#afterUnit();
    client.streamOffset = server.replication.offset;
  }

  /** Sets the time that counts, and what happens to expired keys. */
  #prepare(client: Client): void {
    const { keyspace, replication, pause } = this.server;
    if (this.#markMs - this.#takenMs >= 1) this.#takeTime();
    client.lastActiveMs = keyspace.nowMs;
    if (client.isMasterLink) keyspace.expiry = "ignore";
    else keyspace.expiry = replication.role === "master" && pause.mode === null ? "delete" : "hide";
  }

  #bitsOf(client: Client, command: Command, args: readonly Bytes[]): number {
    const bits = command.name === "exec" ? combinedBits(client, command, this.server) : command.flagBits;
    return (bits & Flag.script) === 0 ? bits : this.server.scripting.bitsOf(command, args, bits);
  }

  #refusal(client: Client, command: Command | undefined, args: readonly Bytes[]): ErrorReply | typeof POSTPONED | null {
    const { server } = this;
    if (command === undefined) return unknownCommand(server.commands, args);
    if (!arityFits(command, args)) return wrongArity(command.name);
    if (command.handler === null) return unknownCommand(server.commands, args);
    const bits = this.#bitsOf(client, command, args);
    if ((bits & Flag.protected) !== 0) {
      const refused = debugRefusal(client, server.config, command);
      if (refused !== null) return refused;
    }
    if (!client.authenticated && (bits & Flag.noAuth) === 0 && server.acl.authRequired) return errors.noAuth;
    if (client.queued !== null && (bits & Flag.noMulti) !== 0) return errors.notInTransaction;
    if (!client.user.unrestricted) {
      const denied = server.acl.refusal(client, command, args);
      if (denied !== null) return denied;
    }
    const { memory } = server;
    if (memory.limit !== 0 || memory.clientLimit !== 0) {
      if (memory.clientLimit !== 0) client.argumentBytes = bytesOf(args);
      const { evictedKeys } = memory;
      const enough = memory.makeRoom();
      // The time that it took is not the command's.
      if (memory.evictedKeys !== evictedKeys) this.#markMs = server.clock.now();
      // Its own arguments were too much.
      if (client.closing) return OUT_OF_MEMORY;
      // What is queued takes memory too.
      const queues = client.queued !== null && !LEAVES_MULTI.has(command.name);
      if (!enough && ((bits & Flag.denyOom) !== 0 || queues)) return OUT_OF_MEMORY;
    }
    const refused = server.replication.refusal(client, bits);
    if (refused !== null) return refused;
    if (client.resp === 2 && client.isSubscriber && !allowedInRestrictedPubSub(command.name)) {
      return new ErrorReply(
        `ERR Can't execute '${command.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      );
    }
    if (server.loader.refuses(bits)) return errors.loading;
    if (server.busy !== null && (bits & Flag.allowBusy) === 0) return server.busy;
    if ((client.isReplica || client.isMonitor) && (bits & (Flag.write | Flag.readonly)) !== 0)
      return errors.replicaKeyspace;
    return server.pause.mode !== null && server.pause.holds(client, bits) ? POSTPONED : null;
  }

  #reject(client: Client, command: Command | undefined, error: ErrorReply): void {
    this.server.stats.countError(error.text);
    if (command !== undefined) command.rejectedCalls++;
    if (client.isReplica) complainOfLink(this.server, client, error, command?.name ?? null);
    if (client.queued !== null) client.queueBroken = true;
    if (command?.name === "exec") {
      // Also outside MULTI, and without the code word where it is only ERR: so does Redis.
      if (client.queued !== null) discard(this.server, client);
      client.reply(new ErrorReply(`EXECABORT Transaction discarded because of: ${error.text.replace(/^ERR /, "")}`));
    } else if (client.isReplica && !client.isMonitor) dropTalkingReplica(this.server, client, command?.name ?? null);
    else client.reply(error);
    if (client.replyMode !== "on") this.#nextReplyMode(client);
  }

  /** Runs one command; its error becomes its reply. */
  #call(client: Client, command: Command, args: readonly Bytes[]): Reply {
    const { server } = this;
    const { effects, clock } = server;
    server.keyspace.counting = !command.isWrite;
    if (server.ownExpiry !== null) server.ownExpiry.prepare(client, command.isWrite);
    const db = client.db.index;
    const startMs = this.#markMs;
    effects.begin();
    if (client.tracking !== null) server.tracking.calling(command, args);
    let reply: Reply;
    try {
      reply = (command.handler as NonNullable<Command["handler"]>)(client.ctx, args);
    } catch (error) {
      reply = this.#replyOf(error, command);
    }
    effects.end(db, args, server.replication.feeding && (server.appending || !client.isMasterLink));
    if (client.tracking !== null && (command.flagBits & Flag.readonly) !== 0)
      server.tracking.remember(client, command, args);
    const endMs = clock.now();
    this.#markMs = endMs;
    const micros = (endMs - startMs + server.still.ownMs) * 1000;
    server.still.ownMs = 0;
    command.calls++;
    command.usec += micros;
    const { waiter } = client;
    if (waiter === null || waiter.request.still) {
      if (this.#tracksLatency) (command.latency ??= new LatencyHistogram()).note(micros);
      server.slowLog.note(client, command, args, micros);
    } else {
      // The time of a blocked client's command is known when it is unblocked.
      waiter.command ??= command;
      if (waiter.command === command) waiter.args = args;
    }
    if (micros >= server.latency.thresholdMicros)
      server.latency.note(command.spec.flags.includes("fast") ? "fast-command" : "command", micros);
    server.stats.commandsProcessed++;
    if (reply instanceof ErrorReply) {
      command.failedCalls++;
      if (!(reply instanceof CountedErrorReply)) server.stats.countError(reply.text);
      if (client.isMasterLink || client.isReplica) complainOfLink(server, client, reply, command.name);
    }
    if (server.inExec && server.monitors.size > 0) feedMonitors(server, client, command, args);
    return reply;
  }

  #replyOf(error: unknown, command: Command): ErrorReply {
    if (error instanceof CommandError) return error.reply;
    // A bug of ours must not take the process of the application with it; it is said loudly instead.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.server.log("warning", `internal error in '${command.name}': ${text}`);
    return new ErrorReply(`ERR internal error in '${command.name}'`);
  }

  #afterUnit(): void {
    const { effects, blocking, replication } = this.server;
    if (effects.pending) effects.flush(replication, false);
    if (!blocking.hasReady || effects.held) return;
    // The unit's time is over: what has expired in its course serves nobody.
    if (this.#markMs - this.#takenMs >= 1) this.#takeTime();
    blocking.serve();
  }

  /** True if an injected fault has taken the command over. */
  #faulted(client: Client, name: Bytes, args: readonly Bytes[]): boolean {
    const fault = this.server.faults?.beforeCommand(client, name, args) ?? null;
    if (fault === null) return false;
    const { connection } = client;
    if (fault.kind === "cutReply" || fault.kind === "slow") {
      connection?.flush();
      if (fault.kind === "slow") connection?.delayNext(fault.ms);
      this.#perform(client, args);
      if (fault.kind === "cutReply") {
        client.closing = true;
        connection?.endWithPart(fault.bytes);
      } else connection?.flush();
      return true;
    }
    if (fault.kind === "error") {
      const command = this.server.commands.resolve(args);
      this.#reject(client, command, fault.reply);
    } else if (fault.kind === "close") {
      if (fault.when === "after") {
        const command = this.server.commands.resolve(args);
        if (command?.handler != null && arityFits(command, args)) this.#call(client, command, args);
        this.#afterUnit();
      }
      client.closing = true;
      client.connection?.destroy(true);
    }
    return true;
  }

  #nextReplyMode(client: Client): void {
    if (client.replyMode === "skip") client.replyMode = "on";
    else if (client.replyMode === "skipNext") client.replyMode = "skip";
  }
}

const POSTPONED = Symbol("postponed by a pause");

/** Leaves MULTI and WATCH. */
export function discard(server: ServerCore, client: Client): void {
  client.queued = null;
  client.queueBroken = false;
  client.watchBroken = false;
  server.keyspace.unwatch(client);
}
