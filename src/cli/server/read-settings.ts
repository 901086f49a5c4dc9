import { appendFileSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { REDIS_VERSION } from "../../protocol/version.js";
import { Config, ConfigError } from "../../server/config/config.js";
import { systemText } from "../../server/system-text.js";
import { readCommandLine } from "./command-line.js";
import { readSettingsFile, SettingsError, SettingsFileError, SettingsReader } from "./settings.js";

/** What redis-server has where its config says nothing, and a server inside a test doesn't want. */
const DEFAULTS = { bind: "127.0.0.1 -::1", save: "3600 1 300 100 60 10000" };
/**
 * Where redis-server listens without `bind`. In protected mode it refuses whoever isn't local, so here loopback is enough
 * until a password, users or `protected-mode no` say that others are meant to come.
 */
const EVERYWHERE = "* -::*";

/** Settings of a server process, and what its standard input said (which can't be read twice). */
export interface ProcessSettings {
  readonly config: Config;
  readonly input: string | null;
}

/** Reads the settings, or ends the process as redis-server does when they are wrong. */
export function readSettings(args: readonly string[]): ProcessSettings {
  const config = new Config(DEFAULTS);
  let input: string | null = null;
  try {
    config.load("dir", process.cwd());
    const { file, fromStdin, options } = readCommandLine(args);
    if (file !== null) config.file = resolve(file);
    const texts: string[] = file === null ? [] : [readSettingsFile(file)];
    if (fromStdin) texts.push((input = readFileSync(0, "latin1")));
    texts.push(options);
    const reader = new SettingsReader(config, changeDirectory);
    reader.apply(texts.join("\n"));
    if (!reader.named.has("bind") && isOpenToOthers(config)) config.load("bind", EVERYWHERE);
    checkWhole(config);
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    process.exit(1);
  }
  return { config, input };
}

function isOpenToOthers(config: Config): boolean {
  const guarded = config.text("requirepass") !== "" || config.users.length > 0 || config.text("aclfile") !== "";
  return guarded || !config.flag("protected-mode");
}

function changeDirectory(path: string): string {
  try {
    process.chdir(path);
  } catch (error) {
    throw new ConfigError("dir", systemText(error));
  }
  return process.cwd();
}

/** What no single line shows to be wrong. */
function checkWhole(config: Config): void {
  if (config.flag("cluster-enabled"))
    throw new ConfigError("cluster-enabled", "Redis Cluster is not supported by this server");
  const file = config.text("logfile");
  if (file === "") return;
  try {
    appendFileSync(file, "");
  } catch (error) {
    throw new ConfigError("logfile", `Can't open the log file: ${systemText(error)}`);
  }
}

function errorText(error: unknown): string {
  const head = `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***`;
  if (error instanceof SettingsFileError) return error.message;
  if (error instanceof ConfigError) return `${head}\n${error.reason}`;
  if (!(error instanceof SettingsError)) throw error;
  // A secret may stand behind the name.
  const shown = /^\S*(pass|auth|user)/i.test(error.text) ? error.text.split(" ")[0] : error.text;
  return `${head}\nReading the configuration file, at line ${error.line}\n>>> '${shown}'\n${error.reason}`;
}
