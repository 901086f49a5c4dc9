import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { systemClock } from "../../core/clock.js";
import { systemRandom } from "../../core/random.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import { AclError } from "../../server/acl/acl.js";
import { DiskLogDirectory } from "../../server/aof/disk-directory.js";
import { LogLoadError } from "../../server/aof/load-log.js";
import { type AssembledServer, assembleServer } from "../../server/assemble.js";
import type { Config } from "../../server/config/config.js";
import { TlsError } from "../../server/net/tls.js";
import { RdbError } from "../../server/rdb/error.js";
import { FileStore } from "../../server/rdb/store.js";
import { systemText } from "../../server/system-text.js";
import { ProcessLog } from "./log.js";
import { applyProcessSettings } from "./process-settings.js";
import { readSettings } from "./read-settings.js";
import { crash, handleSignals } from "./signals.js";

/** Starts itself again in the background, without `daemonize`; what standard input said is handed on. */
function goToBackground(args: readonly string[], input: string | null): void {
  const script = process.argv[1] as string;
  const child = spawn(process.execPath, [...process.execArgv, script, ...args, "--daemonize", "no"], {
    detached: true,
    stdio: [input === null ? "ignore" : "pipe", "ignore", "ignore"],
    env: { ...process.env, IOREPLICA_SERVER_PIDFILE: "1" },
  });
  child.stdin?.end(input, "latin1");
  child.unref();
}

/** The file that the process id goes to; a server in the background has one even where no directive names it. */
function pidFile(config: Config): string {
  const named = config.text("pidfile");
  return named === "" && process.env["IOREPLICA_SERVER_PIDFILE"] === "1" ? "/var/run/redis.pid" : named;
}

/** The server; or the end of the process where its users can't be had as they are written. */
function assembleOrEnd(options: Parameters<typeof assembleServer>[0]): AssembledServer {
  try {
    return assembleServer(options);
  } catch (error) {
    if (!(error instanceof AclError)) throw error;
    options.log?.("warning", error.message);
    process.exit(1);
  }
}

/** Runs a server until SIGTERM, SIGINT or SHUTDOWN ends it; then the process ends. */
export async function runServer(args: readonly string[]): Promise<void> {
  const { config, input } = readSettings(args);
  if (config.flag("daemonize")) return goToBackground(args, input);
  const log = new ProcessLog(config);
  logStart(log, args.length === 0);
  const store = new FileStore(() => resolve(config.text("dir"), config.text("dbfilename")));
  const logDirectory = new DiskLogDirectory(
    () => config.text("dir"),
    () => config.text("appenddirname"),
  );
  const server = assembleOrEnd({
    clock: systemClock,
    random: systemRandom,
    config,
    store,
    logDirectory,
    log: log.line,
  });
  const { core } = server;
  // Before the first link is made the directive tells the role, afterwards the link.
  let starting = true;
  const isReplica = (): boolean => core.replication.role === "replica" || (starting && config.text("replicaof") !== "");
  log.role = () => (isReplica() ? "S" : "M");
  const file = pidFile(config);
  writePidFile(file);
  const roleChanged = applyProcessSettings(config, isReplica, (text) => log.line("warning", text));
  server.replication.onProgress = roleChanged;
  // Sockets keep the process alive, but a server that only loads has none.
  const alive = setInterval(() => {}, 1 << 30);
  core.onShutdown = () => {
    clearInterval(alive);
    removeFiles(log, file, config.text("unixsocket"));
    void core.close().then(() => process.exit(0));
  };
  core.still.blockProcess = (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  core.onFatal = () => process.exit(1);
  core.onCrash = (signal) => crash(config, log, signal);
  const ignoreSignals = handleSignals(core, config, log);
  core.onRestart = ({ delayMs, crash }) => {
    ignoreSignals();
    if (crash) server.replication.crash();
    else removeFiles(log, file, config.text("unixsocket"));
    void core.close({ reset: crash }).then(() => {
      setTimeout(() => void runServer(argumentsAgain(args, config)), delayMs);
      // Another timer keeps the process alive now.
      clearInterval(alive);
    });
  };
  if (config.number("port") === 0 && config.number("tls-port") === 0 && config.text("unixsocket") === "") {
    log.line("warning", "Configured to not listen anywhere, exiting.");
    process.exit(1);
  }
  await startListening(server, config, log);
  starting = false;
  if (core.port !== 0 || core.tlsPort !== 0) log.line("notice", "Ready to accept connections");
  if (config.text("unixsocket") !== "")
    log.line("notice", `The server is now ready to accept connections at ${config.text("unixsocket")}`);
}

/** As the process was called; the working directory may be another one by now, so the config file goes by its whole path. */
function argumentsAgain(args: readonly string[], config: Config): readonly string[] {
  return config.file === null ? args : [config.file, ...args.slice(1)];
}

function logStart(log: ProcessLog, bare: boolean): void {
  log.line("warning", "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  const version = `Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`;
  log.line("warning", version);
  const hint = "In order to specify a config file use ioreplica-server /path/to/redis.conf";
  log.line(
    "warning",
    bare ? `Warning: no config file specified, using the default config. ${hint}` : "Configuration loaded",
  );
}

async function startListening({ start }: AssembledServer, config: Config, log: ProcessLog): Promise<void> {
  const [host, port] = config.text("replicaof").split(" ");
  try {
    await start(host ? { host, port: Number(port) } : null, undefined, () => {
      log.line("notice", `Running mode=standalone, port=${config.number("port")}.`);
      log.raw(`ioreplica-server, standalone mode, port ${config.number("port")}, PID: ${process.pid}`);
      log.line("warning", "Server initialized");
    });
  } catch (error) {
    // It was logged where it was seen.
    if (error instanceof LogLoadError) process.exit(1);
    if (error instanceof TlsError) {
      log.line("warning", error.message);
      process.exit(1);
    }
    const { syscall, address, message } = error as NodeJS.ErrnoException & { address?: string };
    if (error instanceof RdbError) {
      log.line("warning", `The integrity check failed: ${message}`);
      log.line("warning", `Internal error in RDB reading offset ${error.position ?? 0} -> integrity check failed`);
      log.line("warning", "Terminating server after rdb file reading failure.");
      process.exit(1);
    }
    if (syscall === undefined) {
      log.line("warning", `Fatal error loading the DB: ${message}. Exiting.`);
      process.exit(1);
    }
    const where = `${address ?? config.text("bind")}:${config.number("port")}`;
    log.line("warning", `Warning: Could not create server TCP listening socket ${where}: bind: ${systemText(error)}`);
    log.line("warning", `Failed listening on port ${config.number("port")} (TCP), aborting.`);
    process.exit(1);
  }
}

function writePidFile(path: string): void {
  if (path === "") return;
  try {
    writeFileSync(path, `${process.pid}\n`);
  } catch {
    // redis-server goes on without one, too.
  }
}

function removeFiles(log: ProcessLog, pidPath: string, socketPath: string): void {
  if (pidPath !== "") {
    log.line("notice", "Removing the pid file.");
    rmSync(pidPath, { force: true });
  }
  if (socketPath === "") return;
  log.line("notice", "Removing the unix socket file.");
  rmSync(socketPath, { force: true });
}
