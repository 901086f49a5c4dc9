import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import { CountedErrorReply } from "../dispatch/errors.js";
import { feedScriptToMonitors } from "../dispatch/monitor.js";
import type { Command } from "../dispatch/registry.js";
import type { ServerCore } from "../server-core.js";
import type { Finish } from "../stand-still.js";
import { EvalScripts } from "./eval-scripts.js";
import { commandBits, ScriptFlag } from "./flags.js";
import { Libraries } from "./libraries.js";
import type { Outcome, Watch } from "./lua/environment.js";
import { popReply } from "./lua-to-reply.js";
import { refusalBeforeRun } from "./prepare.js";
import { pushErrorReply, pushReply } from "./replies-to-lua.js";
import { BUSY_TEXT, REPL, type ScriptRun } from "./run.js";

/**
 * Questions of the watch after which a script is ended that can't be set aside meanwhile: 2·10⁹ instructions, most of a
 * minute. It stands in the way of everything else in this process, so it must not go on for ever.
 */
const MAX_STUCK = 20_000;
const STUCK_TEXT = "ERR Script killed: it ran too long where it could not be set aside";
const KILLED_TEXT = "ERR Script killed by user with SCRIPT KILL...";

/** A script or function that is to run. */
export interface Callable {
  readonly mode: "eval" | "function";
  readonly name: Bytes;
  /** `ScriptFlag`s. */
  readonly flags: number;
  readonly readOnly: boolean;
  readonly keys: readonly Bytes[];
  readonly argv: readonly Bytes[];
  /** The function in its environment. */
  readonly ref: number;
}

/** Scripts and functions of one server. Costs nothing until the first of them is loaded. */
export class Scripting {
  readonly scripts: EvalScripts;
  readonly libraries: Libraries;
  /** DEBUG SET-DISABLE-DENY-SCRIPTS: scripts may call what they otherwise may not. */
  denyScriptDisabled = false;
  #running: ScriptRun | null = null;
  #client: Client | null = null;

  constructor(private readonly server: ServerCore) {
    this.scripts = new EvalScripts(server);
    this.libraries = new Libraries(server);
  }

  /** The script that runs or is set aside. */
  get running(): ScriptRun | null {
    return this.#running;
  }

  /** The flags that count for a call of EVAL or FCALL: the script's own, where it declares any. */
  bitsOf(command: Command, args: readonly Bytes[], bits: number): number {
    const name = args[1] ?? "";
    const flags = command.name.startsWith("fcall")
      ? this.libraries.functions.get(name.toLowerCase())?.flags
      : this.scripts.flagsOf(name, command.name.startsWith("evalsha"));
    if (flags === undefined || (flags & ScriptFlag.compat) !== 0) return bits;
    return commandBits(bits, flags);
  }

  /** Shows a call of EVAL or FCALL to those who MONITOR, before what it calls. */
  announce(client: Client, args: readonly Bytes[]): void {
    if (this.server.monitors.size > 0) feedScriptToMonitors(this.server, client, args);
  }

  /** Runs a script for a client. NO_REPLY if it was set aside: the reply comes when it ends. */
  run(caller: Client, args: readonly Bytes[], what: Callable): Reply {
    const { server } = this;
    const refusal = refusalBeforeRun(server, caller, what);
    if (refusal !== null) return refusal;
    const environment = what.mode === "eval" ? this.scripts.environment : this.libraries.environment;
    const run: ScriptRun = {
      mode: what.mode,
      name: what.name,
      environment,
      caller,
      args,
      client: this.#scriptClient(caller),
      readOnly: what.readOnly || (what.flags & (ScriptFlag.compat | ScriptFlag.noWrites)) === ScriptFlag.noWrites,
      allowOom: (what.flags & (ScriptFlag.compat | ScriptFlag.allowOom)) === ScriptFlag.allowOom,
      startMs: server.clock.now(),
      nowMs: server.keyspace.nowMs,
      expiry: server.keyspace.expiry,
      busyAfterMs: server.config.number("busy-reply-threshold"),
      repl: REPL.all,
      dirty: false,
      stuck: 0,
      parked: false,
      killed: false,
      stack: 0,
      raises: false,
      left: false,
      done: null,
    };
    this.#running = run;
    const watch = this.#watchOf(run);
    let outcome: Outcome;
    if (what.mode === "eval") {
      environment.setGlobalArray("KEYS", what.keys);
      environment.setGlobalArray("ARGV", what.argv);
      outcome = environment.run(what.ref, watch, () => 0);
    } else {
      outcome = environment.run(what.ref, watch, (L) => {
        environment.pushArray(L, what.keys);
        environment.pushArray(L, what.argv);
        return 2;
      });
    }
    return this.#settle(run, outcome);
  }

  /** SCRIPT KILL or FUNCTION KILL. */
  kill(mode: "eval" | "function"): ErrorReply | null {
    const run = this.#running;
    if (run === null) return new ErrorReply("NOTBUSY No scripts in execution right now.");
    if (run.caller.isMasterLink) {
      return new ErrorReply(
        "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed.",
      );
    }
    if (run.dirty) {
      return new ErrorReply(
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script " +
          "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.",
      );
    }
    if (run.mode !== mode) return new ErrorReply(BUSY_TEXT[run.mode]);
    run.killed = true;
    return null;
  }

  /** Milliseconds that the running script has taken. */
  get runningMs(): number {
    return this.#running === null ? 0 : Math.floor(this.server.clock.now() - this.#running.startMs);
  }

  /** Frees both Lua states. */
  close(): void {
    this.#running = null;
    this.scripts.close();
    this.libraries.close();
  }

  #watchOf(run: ScriptRun): Watch {
    const { clock } = this.server;
    const mayPark = run.busyAfterMs > 0 && run.caller.connection !== null && !this.server.inExec;
    return () => {
      run.stuck++;
      if (run.stuck > MAX_STUCK) return { error: STUCK_TEXT };
      return mayPark && run.done === null && clock.now() - run.startMs >= run.busyAfterMs ? "pause" : "go";
    };
  }

  /** What became of a run, or of its latest part. */
  #settle(run: ScriptRun, outcome: Outcome): Reply {
    if (outcome.kind !== "paused") {
      this.#running = null;
      // EVAL itself is no change; the commands it called have reported theirs.
      this.server.effects.begin();
      return this.#replyOf(run, outcome);
    }
    run.stuck = 0;
    if (run.left) {
      if (run.parked || run.done !== null) return NO_REPLY;
      return this.server.suspend(run.caller, (done) => {
        run.done = done;
      });
    }
    if (!run.parked) this.#park(run);
    this.server.clock.setImmediate(() => this.#goOn(run));
    return NO_REPLY;
  }

  #replyOf(run: ScriptRun, outcome: Exclude<Outcome, { kind: "paused" }>): Reply {
    const { environment } = run;
    if (outcome.kind === "done") {
      const { m } = environment;
      // A script that returns nothing returns nil.
      if (m.c.lua_gettop(outcome.thread) === 0) m.c.lua_pushnil(outcome.thread);
      // Lua hands over all the results; the first is the answer.
      m.c.lua_settop(outcome.thread, 1);
      try {
        return popReply(m, outcome.thread, run.client.resp);
      } finally {
        // Whatever went wrong, the next script must not find the rest of this one.
        environment.finish();
      }
    }
    const { error, source, line, counted } = outcome;
    const text = source === null ? error : `${error} script: ${run.name}, on ${source}:${line}.`;
    return counted ? new CountedErrorReply(text) : new ErrorReply(text);
  }

  /** Leaves the running script in its redis.call until `start` has called back; the server stands still meanwhile. */
  suspend(start: (done: (finish: Finish) => void) => void, denied: Reply): Reply {
    const run = this.#running;
    if (run === null || run.caller.connection === null || !run.environment.mayLeave(run.stack)) return denied;
    const leave = (): void => {
      run.left = true;
    };
    return this.server.still.until(start, leave, (finish) => this.#answer(run, finish));
  }

  /** The redis.call in which a script was left is over: it goes on there. */
  #answer(run: ScriptRun, finish: Finish): void {
    // The server is closed, and Lua with it.
    if (this.#running !== run) return;
    const { server } = this;
    const { environment, client } = run;
    run.left = false;
    server.keyspace.nowMs = run.nowMs;
    server.keyspace.expiry = run.expiry;
    const answer = server.runForWaiter(client, finish, run.repl);
    const failed = answer instanceof ErrorReply;
    if (failed) {
      server.stats.countError(answer.text);
      const command = server.commands.byFullName(client.lastCommand);
      if (command !== undefined) command.failedCalls++;
    }
    const outcome = environment.answer(
      (L) => (failed ? pushErrorReply(environment.m, L, answer) : pushReply(environment.m, L, answer, client.resp)),
      failed && run.raises,
    );
    const reply = this.#settle(run, outcome);
    if (reply === NO_REPLY) return;
    if (run.done !== null) return run.done(() => reply);
    server.setBusy(null);
    server.endParked(run.caller, reply);
  }

  /** From here on others are served, and told that the server is busy. */
  #park(run: ScriptRun): void {
    const { server } = this;
    run.parked = true;
    server.setBusy(new ErrorReply(BUSY_TEXT[run.mode]));
    server.blocking.park(run.caller, { keys: [], timeoutMs: 0, timeoutReply: () => null, retry: () => null });
    server.log(
      "warning",
      `Slow script detected: still in execution after ${this.runningMs} milliseconds. You can try killing the script using ` +
        `the ${run.mode === "eval" ? "SCRIPT" : "FUNCTION"} KILL command. Script name is: ${run.name}.`,
    );
  }

  #goOn(run: ScriptRun): void {
    // The server is closed, and Lua with it.
    if (this.#running !== run) return;
    const { server } = this;
    server.keyspace.nowMs = run.nowMs;
    server.keyspace.expiry = run.expiry;
    const reply = run.killed ? this.#killed(run) : this.#settle(run, run.environment.resume());
    if (reply === NO_REPLY) return;
    server.setBusy(null);
    server.endParked(run.caller, reply);
  }

  #killed(run: ScriptRun): Reply {
    const place = run.environment.pausedAt();
    this.server.log("warning", "Lua script killed by user with SCRIPT KILL.");
    run.environment.abandon();
    return this.#settle(run, {
      kind: "failed",
      error: KILLED_TEXT,
      source: place?.source ?? null,
      line: place?.line ?? null,
      counted: false,
    });
  }

  #scriptClient(caller: Client): Client {
    this.#client ??= this.server.innerClient();
    const client = this.#client;
    client.isScript = true;
    client.user = caller.user;
    client.authenticated = true;
    client.db = caller.db;
    client.resp = 2;
    client.isMasterLink = caller.isMasterLink;
    return client;
  }
}
