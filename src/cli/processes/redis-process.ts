import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.js";
import { callsIn, parseFields } from "./info-fields.js";
import { ErrorReplyError, type PlainReply, respCall } from "./resp-call.js";

/** How to start a redis-server. */
export interface RedisProcessOptions {
  /** Directives after the defaults, as on redis-server's command line: `["--maxmemory", "10mb"]`. */
  args?: readonly string[];
  /** Starts as a replica of this server. */
  replicaOf?: { readonly host: string; readonly port: number };
  /** Default: a free one. */
  port?: number;
  /** `requirepass` and `masterauth`. */
  password?: string;
  /** The address it listens on and is reached by; default 127.0.0.1. */
  host?: string;
  /** Words before its command line that run it elsewhere and become it, such as `nsenter …`; default: none. */
  launcher?: readonly string[];
}

/** Directives of every server: no persistence, no delay before a full resync, `DEBUG` allowed from this machine. */
const defaultDirectives: readonly string[] = [
  ...["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", ""],
  // A payload by way of a file can be shared by replicas that ask at the same moment; the second one of a diskless
  // sync waits up to a second for its own.
  ...["--repl-diskless-sync-delay", "0", "--repl-diskless-sync", "no"],
  // The end of the child that writes the payload is noticed by the cron: 10 times a second by default.
  ...["--hz", "100", "--enable-debug-command", "local"],
];

const running = new Map<number, ChildProcess>();
let exitHookSet = false;

/** Whether redis-server can be started on this machine. */
export function hasRedisServer(): boolean {
  return spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
}

/**
 * A redis-server process of our own: on a free loopback port, in a directory of its own, ended by pid.
 *
 * It ends with {@link stop}, at the latest together with this process.
 */
export class RedisProcess {
  readonly host: string;
  readonly #options: RedisProcessOptions;
  readonly #mode: "server" | "sentinel";
  readonly #dir: string;
  readonly #ready: RegExp;
  #port = 0;
  #child: ChildProcess | null = null;
  #log = "";

  private constructor(options: RedisProcessOptions, mode: "server" | "sentinel", dir: string) {
    this.#options = options;
    this.host = options.host ?? "127.0.0.1";
    this.#mode = mode;
    this.#dir = dir;
    this.#ready = mode === "server" ? /Ready to accept connections/ : /Sentinel ID is/;
  }

  /** Resolves when the server accepts connections; rejects with its log if it ends before that. */
  static async start(options: RedisProcessOptions = {}): Promise<RedisProcess> {
    return RedisProcess.#startIn(makeDirectory(), options, "server", () => []);
  }

  /**
   * A process started with a configuration file that it rewrites itself, as Sentinel wants it.
   *
   * @param writeConfig given the directory, writes the file and returns its path
   */
  static async startSentinel(
    writeConfig: (dir: string) => string,
    options: Pick<RedisProcessOptions, "port" | "host" | "launcher"> = {},
  ): Promise<RedisProcess> {
    return RedisProcess.#startIn(makeDirectory(), options, "sentinel", (dir) => [writeConfig(dir), "--sentinel"]);
  }

  static async #startIn(
    dir: string,
    options: RedisProcessOptions,
    mode: "server" | "sentinel",
    leadingArgs: (dir: string) => string[],
  ): Promise<RedisProcess> {
    const server = new RedisProcess(options, mode, dir);
    const leading = leadingArgs(dir);
    for (let attempt = 1; ; attempt++) {
      server.#port = options.port ?? (await freePort());
      try {
        await server.#spawn([...leading, ...server.#directives(options.replicaOf ?? null)]);
        return server;
      } catch (error) {
        const portTaken = options.port === undefined && /Address already in use/.test(server.#log);
        if (portTaken && attempt < 5) continue;
        rmSync(dir, { recursive: true, force: true });
        throw error;
      }
    }
  }

  get port(): number {
    return this.#port;
  }

  /** `host:port`, the way the client names a node. */
  get id(): string {
    return `${this.host}:${this.#port}`;
  }

  /** With the password, if there is one. */
  get url(): string {
    const { password } = this.#options;
    return `redis://${password === undefined ? "" : `:${encodeURIComponent(password)}@`}${this.id}`;
  }

  /** Of the present process. Throws when there is none. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`the server on port ${this.#port} is not running`);
    return pid;
  }

  get alive(): boolean {
    return this.#child !== null;
  }

  /** Working directory; gone after {@link stop}. */
  get dir(): string {
    return this.#dir;
  }

  /** Everything the server has logged since the first start. */
  log(): string {
    return this.#log;
  }

  /** Runs one command on a connection of its own, within 10 s. An error reply rejects with its text. */
  async command(...words: (string | number | Buffer)[]): Promise<PlainReply> {
    const [reply] = await this.commands([words]);
    if (reply instanceof ErrorReplyError) throw reply;
    return reply as PlainReply;
  }

  /** Runs several commands on one connection, in one write. Error replies stand in their place. */
  async commands(
    commands: readonly (readonly (string | number | Buffer)[])[],
  ): Promise<(PlainReply | ErrorReplyError)[]> {
    const { password } = this.#options;
    const auth = password === undefined || this.#mode === "sentinel" ? [] : [["AUTH", password]];
    const replies = await respCall({ host: this.host, port: this.#port }, [...auth, ...commands], 10_000);
    return replies.slice(auth.length);
  }

  /** One section of INFO as a map of its fields. */
  async info(section: string): Promise<Map<string, string>> {
    return parseFields(String(await this.command("INFO", section)));
  }

  /** How often a command has been executed since the start (or `CONFIG RESETSTAT`): `cmdstat_<name>:calls`. */
  async calls(command: string): Promise<number> {
    return callsIn(await this.info("commandstats"), [command]);
  }

  /** SIGKILL; resolves when the process is gone. Does nothing if it already is. */
  async kill9(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = this.exited();
    child.kill("SIGKILL");
    await gone;
  }

  /** SIGSTOP: sockets stay open, nothing is answered any more. */
  pause(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    process.kill(this.pid, "SIGCONT");
  }

  /** Waits until the process has ended by itself (after SHUTDOWN). */
  async exited(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.ref();
    await new Promise<void>((resolve) => child.once("exit", () => resolve()));
  }

  /**
   * Starts it again on its port and in its directory; kills it first if it is running.
   *
   * @param change.args further directives for this start
   * @param change.replicaOf whom to follow now; default: as at the first start, `null`: nobody
   */
  async restart(
    change: { args?: readonly string[]; replicaOf?: { host: string; port: number } | null } = {},
  ): Promise<void> {
    await this.kill9();
    const replicaOf = change.replicaOf === undefined ? (this.#options.replicaOf ?? null) : change.replicaOf;
    const config = this.#mode === "sentinel" ? [join(this.#dir, "sentinel.conf"), "--sentinel"] : [];
    await this.#spawn([...config, ...this.#directives(replicaOf), ...(change.args ?? [])]);
  }

  /** Kills it and removes its directory. Idempotent. */
  async stop(): Promise<void> {
    await this.kill9();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #directives(replicaOf: { readonly host: string; readonly port: number } | null): string[] {
    if (this.#mode === "sentinel") return ["--port", String(this.#port), "--dir", this.#dir];
    const { password, args = [] } = this.#options;
    return [
      ...["--port", String(this.#port), "--dir", this.#dir, "--bind", this.host],
      ...defaultDirectives,
      ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
      ...args,
      ...(replicaOf === null ? [] : ["--replicaof", replicaOf.host, String(replicaOf.port)]),
    ];
  }

  async #spawn(args: readonly string[]): Promise<void> {
    const [program, programArgs] = withParentDeathSignal([...(this.#options.launcher ?? []), "redis-server", ...args]);
    const child = spawn(program, programArgs, { stdio: ["ignore", "pipe", "pipe"], cwd: this.#dir });
    this.#child = child;
    const logStart = this.#log.length;
    register(child);
    await new Promise<void>((resolve, reject) => {
      const onOutput = (chunk: Buffer): void => {
        this.#log += chunk.toString();
        if (this.#ready.test(this.#log.slice(logStart))) resolve();
      };
      child.stdout.on("data", onOutput);
      child.stderr.on("data", onOutput);
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        if (this.#child === child) this.#child = null;
        reject(new Error(`redis-server ended (${signal ?? code}) before it was ready:\n${this.#log.slice(logStart)}`));
      });
    });
    child.unref();
    unrefStream(child.stdout);
    unrefStream(child.stderr);
  }
}

/** Polls a condition over real servers every 5 ms; rejects with the last reason after `timeoutMs`. */
export async function until(condition: () => Promise<true | string>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const outcome = await condition();
    if (outcome === true) return;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${outcome}`);
    await sleep(5);
  }
}

/** A child that must not keep this process alive keeps it alive through its pipes. */
function unrefStream(stream: NodeJS.ReadableStream): void {
  (stream as NodeJS.ReadableStream & { unref?(): void }).unref?.();
}

function makeDirectory(): string {
  return mkdtempSync(join(tmpdir(), "ioreplica-redis-"));
}

/** Remembers the process so that it is killed when this one exits, in whatever order things end. */
function register(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  running.set(pid, child);
  child.once("exit", () => running.delete(pid));
  if (exitHookSet) return;
  exitHookSet = true;
  process.on("exit", () => {
    for (const survivor of running.values()) survivor.kill("SIGKILL");
  });
}

let setprivWorks: boolean | undefined;

/** Where util-linux is present, the kernel ends the server even when this process is killed and runs no exit hook. */
export function withParentDeathSignal(words: readonly string[]): [string, string[]] {
  const [program = "", ...args] = words;
  setprivWorks ??= spawnSync("setpriv", ["--pdeathsig", "KILL", "true"], { stdio: "ignore" }).status === 0;
  return setprivWorks ? ["setpriv", ["--pdeathsig", "KILL", ...words]] : [program, args];
}
