import type { TimerHandle } from "../core/clock.js";
import { ErrorReply, type Reply } from "../protocol/resp/reply.js";
import type { Client } from "./dispatch/client.js";
import type { CommandContext } from "./dispatch/context.js";
import type { AttachedReplica } from "./replication/info.js";
import type { ServerCore } from "./server-core.js";

/** What SHUTDOWN or a signal asks for. */
export interface ShutdownRequest {
  /** Null: as the save points say. */
  readonly save: boolean | null;
  /** Lagging replicas are not waited for. */
  readonly now: boolean;
  /** Errors while saving don't keep the server alive. */
  readonly force: boolean;
}

/** What a shutdown needs of the rest of its server. */
export interface ShutdownContext {
  readonly core: ServerCore;
  replicas(): readonly AttachedReplica[];
  offset(): number;
  /** SAVE. Throws the system's error. */
  save(): void;
  /** Brings the append-only file in order; why the server can't end because of it, or null. */
  finishLog(force: boolean): string | null;
}

const PURPOSE = "shutdown";
const FAILED = new ErrorReply("ERR Errors trying to SHUTDOWN. Check logs.");

/**
 * The end of a server in good order: replicas that lag get time to catch up while writes wait, the dataset is saved if it
 * is to be, then `core.onShutdown` is told and everything is closed. Who asked by SHUTDOWN waits, and hears only of a failure.
 */
export class Shutdown {
  #request: ShutdownRequest | null = null;
  #deadlineMs = 0;
  #timer: TimerHandle | null = null;
  readonly #waiting = new Set<Client>();
  constructor(private readonly context: ShutdownContext) {}

  /** Milliseconds that lagging replicas still have; null where no shutdown is under way. */
  get leftMs(): number | null {
    return this.#request ? Math.max(0, Math.round(this.#deadlineMs - this.context.core.clock.now())) : null;
  }

  /** SHUTDOWN: parks the client, which sees its connection close or an error. */
  command(ctx: CommandContext, request: ShutdownRequest): Reply {
    if (ctx.server.inExec && !request.now)
      return new ErrorReply("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client");
    const parked = ctx.block({ keys: [], timeoutMs: 0, timeoutReply: () => FAILED, retry: () => null });
    this.#waiting.add(ctx.client);
    this.begin(request);
    return parked;
  }

  /** Begins, unless one is under way already; it may be over when this returns. */
  begin(request: ShutdownRequest): void {
    if (this.#request) return;
    const { core } = this.context;
    core.log("warning", "User requested shutdown...");
    const { loading } = core.replication;
    this.#request = loading ? { ...request, save: false } : request;
    const timeoutMs = core.config.number("shutdown-timeout") * 1000;
    this.#deadlineMs = core.clock.now() + timeoutMs;
    if (request.now || timeoutMs === 0 || this.#inSync()) {
      this.#finish(this.#request);
      return;
    }
    core.pause.start("write", Number.MAX_SAFE_INTEGER, PURPOSE);
    core.log("notice", "Waiting for replicas before shutting down.");
    this.#check();
  }

  /** A signal came: begins with the next turn of the cron, so that SHUTDOWN ABORT can still prevent it. */
  schedule(request: ShutdownRequest): void {
    if (this.#request || this.#timer) return;
    this.#timer = this.#later(() => {
      this.#timer = null;
      if (this.context.core.cronPaused) this.schedule(request);
      else this.begin(request);
    });
  }

  #later(run: () => void): TimerHandle {
    const { clock, config } = this.context.core;
    return clock.setTimer(run, 1000 / config.number("hz"));
  }

  /** Writes everything down as SHUTDOWN NOW does, for a server that is to be restarted. False if that is not possible. */
  prepare(): boolean {
    const { core } = this.context;
    core.log("warning", "User requested shutdown...");
    if (!this.#persist({ save: core.replication.loading ? false : null, now: true, force: false })) return false;
    core.log("warning", "Redis is now ready to exit, bye bye...");
    return true;
  }

  /** SHUTDOWN ABORT; false if there is nothing to abort. */
  abort(): boolean {
    if (!this.#request && !this.#timer) return false;
    this.#giveUp();
    this.context.core.log("notice", "Shutdown manually aborted.");
    return true;
  }

  /** Ends the waiting without a word: the server is closed by other means. */
  stop(): void {
    this.context.core.clock.clearTimer(this.#timer);
    this.#waiting.clear();
  }

  #check(): void {
    const request = this.#request;
    if (!request) return;
    const { clock, cronPaused } = this.context.core;
    if (!cronPaused && (clock.now() >= this.#deadlineMs || this.#inSync())) this.#finish(request);
    else this.#timer = this.#later(() => this.#check());
  }

  #inSync(): boolean {
    const offset = this.context.offset();
    return this.context.replicas().every((replica) => replica.ackOffset === offset);
  }

  #finish(request: ShutdownRequest): void {
    const { core } = this.context;
    this.#logReplicas();
    if (!this.#persist(request)) {
      core.log("warning", "Errors trying to shut down the server. Check the logs for more information.");
      this.#giveUp();
      return;
    }
    this.stop();
    core.onShutdown?.();
    core.log("warning", "Redis is now ready to exit, bye bye...");
    void core.close();
  }

  /** False if the server has to live on with what it could not save. */
  #persist({ save, force }: ShutdownRequest): boolean {
    const { core } = this.context;
    const refused = this.context.finishLog(force);
    if (refused !== null) {
      core.log("warning", refused);
      return false;
    }
    if (!(save ?? core.config.text("save") !== "")) return true;
    core.log("notice", "Saving the final RDB snapshot before exiting.");
    try {
      this.context.save();
    } catch {
      core.log("warning", `Error trying to save the DB${force ? ". Exiting anyway." : ", can't exit."}`);
      return force;
    }
    return true;
  }

  #logReplicas(): void {
    const { core } = this.context;
    const replicas = this.context.replicas();
    if (replicas.length === 0) return;
    const offset = this.context.offset();
    const lagging = replicas.filter((replica) => replica.ackOffset !== offset);
    for (const { ip, port, ackOffset, lagS, state } of lagging) {
      const behind = offset - ackOffset;
      core.log(
        "notice",
        `Lagging replica ${ip}:${port} reported offset ${behind} behind master, lag=${lagS}, state=${state}.`,
      );
    }
    const inSync = replicas.length - lagging.length;
    core.log("notice", `${inSync} of ${replicas.length} replicas are in sync when shutting down.`);
  }

  #giveUp(): void {
    const { core } = this.context;
    this.#request = null;
    core.clock.clearTimer(this.#timer);
    this.#timer = null;
    core.pause.end(PURPOSE);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const client of waiting) core.blocking.unblock(client, FAILED);
  }
}
