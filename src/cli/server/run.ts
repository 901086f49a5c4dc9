import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { systemClock } from "../../core/clock.js";
import { systemRandom } from "../../core/random.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import { AclError } from "../../server/acl/acl.js";
import { type AssembledServer, assembleServer } from "../../server/assemble.js";
import { Config } from "../../server/config/config.js";
import { FileStore } from "../../server/rdb/store.js";
import type { LogLevel } from "../../server/server-core.js";
import { LEVELS, logLine } from "./log-line.js";
import { applySettings, readCommandLine, SettingsError } from "./settings.js";

/** What redis-server has where its config says nothing, and a server inside a test doesn't want. */
const DEFAULTS = { bind: "127.0.0.1 -::1", save: "3600 1 300 100 60 10000" };

/** Reads the settings, or ends the process as redis-server does when they are wrong. */
function readSettings(args: readonly string[]): Config {
  const config = new Config(DEFAULTS);
  let where = "config file";
  try {
    const { file, options } = readCommandLine(args);
    if (file !== null) {
      if (file !== "-") config.file = resolve(file);
      applySettings(config, readFileSync(file === "-" ? 0 : file, "latin1"));
    }
    where = "command line";
    applySettings(config, options);
    if (config.number("tls-port") !== 0) throw new SettingsError(1, "tls-port", "TLS is not supported by this server");
    if (config.flag("cluster-enabled"))
      throw new SettingsError(1, "cluster-enabled", "Redis Cluster is not supported by this server");
  } catch (error) {
    const lines =
      error instanceof SettingsError
        ? [
            `*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***`,
            `Reading the configuration file, at line ${error.line} (${where})`,
            // A secret may stand behind the name.
            `>>> '${/pass|auth|^user /i.test(error.text) ? error.text.split(" ")[0] : error.text}'`,
            error.reason,
          ]
        : [`Fatal error, can't open config file: ${(error as Error).message}`];
    process.stderr.write(`\n${lines.join("\n")}\n`);
    process.exit(1);
  }
  return config;
}

/** Starts itself again in the background, without `daemonize`. */
function goToBackground(args: readonly string[]): void {
  const script = process.argv[1] as string;
  const child = spawn(process.execPath, [...process.execArgv, script, ...args, "--daemonize", "no"], {
    detached: true,
    stdio: "ignore",
  });
  child.unref();
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
  const config = readSettings(args);
  if (config.flag("daemonize")) return goToBackground(args);
  let role = (): string => "C";
  const write = (line: string): void => {
    const file = config.text("logfile");
    if (file === "") process.stdout.write(`${line}\n`);
    else appendFileSync(file, `${line}\n`);
  };
  const log = (level: LogLevel, text: string): void => {
    const wanted = LEVELS[config.text("loglevel") as LogLevel][1];
    if (LEVELS[level][1] >= wanted) write(logLine(process.pid, role(), new Date(), level, text));
  };
  process.chdir(config.text("dir"));
  config.load("dir", process.cwd());
  const store = new FileStore(() => resolve(config.text("dir"), config.text("dbfilename")));
  config.onChange((names) => {
    if (names.includes("dir")) process.chdir(config.text("dir"));
  });
  const { core, start } = assembleOrEnd({ clock: systemClock, random: systemRandom, config, store, log });
  log("warning", "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  log(
    "warning",
    `Redis version=${REDIS_VERSION}, bits=64, commit=00000000, modified=0, pid=${process.pid}, just started`,
  );
  log(
    "warning",
    args.length > 0 ? "Configuration loaded" : "Warning: no config file specified, using the default config.",
  );
  role = () => (core.replication.role === "master" ? "M" : "S");

  const pidFile = config.text("pidfile");
  let ending = false;
  const end = async (save: boolean): Promise<void> => {
    if (ending) return;
    ending = true;
    clearInterval(alive);
    await core.close({ save });
    if (pidFile !== "") rmSync(pidFile, { force: true });
    log("warning", "Redis is now ready to exit, bye bye...");
    process.exit(0);
  };
  // Sockets keep the process alive, but a server with `port 0` and no client has none.
  const alive = setInterval(() => {}, 1 << 30);
  core.onShutdown = (save) => void end(save);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      log("warning", `Received ${signal} scheduling shutdown...`);
      const how = config.text(signal === "SIGTERM" ? "shutdown-on-sigterm" : "shutdown-on-sigint").split(" ");
      void end(how.includes("save") || (config.text("save") !== "" && !how.includes("nosave")));
    });
  }
  write(`ioreplica-server, standalone mode, port ${config.number("port")}, PID: ${process.pid}`);
  log("warning", "Server initialized");
  const [host, port] = config.text("replicaof").split(" ");
  try {
    await start(host ? { host, port: Number(port) } : null);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "bind: Address already in use" : message;
    log(
      "warning",
      `Warning: Could not create server TCP listening socket ${config.text("bind")}:${config.number("port")}: ${reason}`,
    );
    log("warning", `Failed listening on port ${config.number("port")} (TCP), aborting.`);
    process.exit(1);
  }
  if (pidFile !== "") writeFileSync(pidFile, `${process.pid}\n`);
  if (core.port !== 0) log("notice", "Ready to accept connections");
  if (config.text("unixsocket") !== "")
    log("notice", `The server is now ready to accept connections at ${config.text("unixsocket")}`);
}
