import { ErrorReply, NO_REPLY, type Reply } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";
import type { Finish } from "../stand-still.js";
import type { Client, QueuedCommand } from "./client.js";
import { CountedErrorReply } from "./errors.js";

/** What {@link Exec} needs of the dispatcher. */
interface Steps {
  /** Runs one queued command. */
  call(client: Client, queued: QueuedCommand): Reply;
  /** Time, and what happens to expired keys, for commands that run from here on. */
  prepare(client: Client): void;
  /** A unit is over: what it changed goes into the stream. */
  endUnit(client: Client): void;
}

/** A transaction that stands in the midst of its commands. */
interface Stopped {
  readonly queued: readonly QueuedCommand[];
  readonly replies: Reply[];
}

/**
 * EXEC, and commands that have to wait for another server: since nothing may run between the commands of a transaction,
 * nor see keys that are on their way, the whole server stands still meanwhile, as a real one does that is blocked.
 */
export class Exec {
  #stopped: Stopped | null = null;

  constructor(
    private readonly server: ServerCore,
    private readonly steps: Steps,
  ) {}

  /** Runs what is queued and gathers the replies. NO_REPLY if one of the commands was suspended: the reply comes later. */
  run(client: Client): Reply {
    const queued = client.queued ?? [];
    client.queued = null;
    client.queueBroken = false;
    return this.#go(client, { queued, replies: [] });
  }

  #go(client: Client, transaction: Stopped): Reply {
    const { server } = this;
    const { queued, replies } = transaction;
    server.inExec = true;
    try {
      while (replies.length < queued.length) {
        const reply = this.steps.call(client, queued[replies.length] as QueuedCommand);
        if (reply === NO_REPLY && server.suspended) {
          this.#stopped = transaction;
          return NO_REPLY;
        }
        replies.push(reply);
      }
    } finally {
      server.inExec = false;
    }
    // EXEC itself is no change; its commands have reported theirs.
    server.effects.begin();
    return replies;
  }

  /**
   * Suspends the command that the client runs until `start` has called back. Nothing else runs or is read meanwhile, and
   * what the unit has changed so far waits for the rest.
   */
  suspend(client: Client, start: (done: (finish: Finish) => void) => void): Reply {
    const { server } = this;
    const leave = (): void => {
      server.blocking.park(client, { keys: [], timeoutMs: 0, timeoutReply: () => null, retry: () => null });
      server.suspended = server.effects.held = true;
    };
    return server.still.until(start, leave, (finish) => this.#end(client, finish));
  }

  #end(client: Client, finish: Finish): void {
    const { server } = this;
    const { tracking, blocking, effects } = server;
    server.suspended = false;
    this.steps.prepare(client);
    if (tracking.active) tracking.begin(client);
    let reply = server.runForWaiter(client, finish);
    const transaction = this.#stopped;
    this.#stopped = null;
    const [command] = transaction === null ? [null] : [transaction.queued[transaction.replies.length]?.command];
    if (reply instanceof ErrorReply) {
      const failed = command ?? server.commands.byFullName(client.lastCommand);
      if (failed !== undefined) failed.failedCalls++;
      if (!(reply instanceof CountedErrorReply)) server.stats.countError(reply.text);
    }
    // Who is gone meanwhile is not answered, but its transaction is done to the end.
    const waits = blocking.release(client);
    if (transaction !== null) {
      transaction.replies.push(reply);
      reply = this.#go(client, transaction);
    }
    if (tracking.active) tracking.end(client, command ?? null);
    if (server.suspended) return;
    effects.held = false;
    this.steps.endUnit(client);
    if (!waits) return;
    client.reply(reply);
    server.resumeClient(client);
  }
}
