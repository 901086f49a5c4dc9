import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { commandTable } from "../../protocol/command-table/table.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { globMatch } from "../../server/commands/support/glob.js";
import type { Config } from "../../server/config/config.js";
import { ConfigError, findDirective } from "../../server/config/config.js";
import { systemText } from "../../server/system-text.js";

/** A setting that redis-server would refuse to start with; `line` counts from 1. */
export class SettingsError extends Error {
  constructor(
    readonly line: number,
    readonly text: string,
    readonly reason: string,
  ) {
    super(`line ${line}: '${text}': ${reason}`);
    this.name = "SettingsError";
  }
}

/** A config file that can't be read; the message is redis-server's. */
export class SettingsFileError extends Error {}

/** What a redis.conf may still say although nothing depends on it any more. */
const DEPRECATED = new Set(["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"]);
const MAX_INCLUDES = 16;
const WRONG = "Bad directive or wrong number of arguments";

/** Reads config files and their like into a config, in the order in which redis-server does. */
export class SettingsReader {
  /** Directives that were set, by their present names. */
  readonly named = new Set<string>();
  /** Names that commands have so far. */
  readonly #commands = new Set(commandTable.keys());

  constructor(
    private readonly config: Config,
    /** `dir`: relative names behind it are meant from there. Returns the absolute path, or throws a ConfigError. */
    private readonly changeDirectory: (path: Bytes) => Bytes = (path) => path,
  ) {}

  /** Applies lines of redis.conf. @throws SettingsError, SettingsFileError */
  apply(text: Bytes, depth = 0): void {
    for (const [index, raw] of text.split("\n").entries()) {
      const line = raw.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
      if (line === "" || line.startsWith("#")) continue;
      const words = splitArguments(line);
      try {
        if (words === null) throw new ConfigError(line, "Unbalanced quotes in configuration line");
        if (words.length > 0) this.#line((words[0] as Bytes).toLowerCase(), words.slice(1), depth);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        throw new SettingsError(index + 1, line, error.reason);
      }
    }
  }

  #line(name: Bytes, words: readonly Bytes[], depth: number): void {
    const { config } = this;
    const directive = findDirective(name);
    if (directive !== undefined) {
      const isFirst = !this.named.has(directive.name);
      this.named.add(directive.name);
      const one = words.length === 1 ? words[0] : undefined;
      // "now force" as one word means two, but the empty word stays one.
      const split = directive.several === true && one ? (splitArguments(one) ?? []) : words;
      if (directive.name === "save") this.#save(split, isFirst);
      else if (directive.name === "dir" && one !== undefined) config.load("dir", this.changeDirectory(one));
      else config.loadWords(name, split);
    } else if (name === "include" && words.length === 1) {
      if (depth >= MAX_INCLUDES) throw new ConfigError(name, `more than ${MAX_INCLUDES} files include one another`);
      for (const path of includedFiles(words[0] as Bytes)) this.apply(readSettingsFile(path), depth + 1);
    } else if (name === "rename-command" && words.length === 2) {
      this.#rename(words[0] as Bytes, words[1] as Bytes);
    } else if (name === "loadmodule") {
      throw new ConfigError(name, "modules cannot be loaded by this server");
    } else if (name === "sentinel") {
      if (words.length > 0) throw new ConfigError(name, "sentinel directive while not in sentinel mode");
      throw new ConfigError(name, "this server is no Sentinel: start redis-sentinel, or DevSentinel of ioreplica/dev");
    } else if (name === "user" && words.length > 0) {
      config.loadUser(words);
    } else if (!(DEPRECATED.has(name) && words.length === 1)) {
      throw new ConfigError(name, WRONG);
    }
  }

  #rename(from: Bytes, to: Bytes): void {
    if (!this.#commands.delete(from.toLowerCase())) throw new ConfigError(from, "No such command in rename-command");
    if (to !== "" && this.#commands.has(to.toLowerCase()))
      throw new ConfigError(from, "Target command name already exists");
    if (to !== "") this.#commands.add(to.toLowerCase());
    this.config.renames.push([from, to]);
  }

  /** The first `save` line takes the place of the defaults, later ones add to it, and an empty one clears all. */
  #save(words: readonly Bytes[], isFirst: boolean): void {
    const clears = words.length === 1 && words[0] === "";
    const before = !isFirst && !clears ? this.config.text("save").split(" ").filter(Boolean) : [];
    this.config.loadWords("save", clears ? words : [...words]);
    if (before.length > 0) this.config.loadWords("save", [...before, ...words]);
  }
}

/** A settings file's text. @throws SettingsFileError */
export function readSettingsFile(path: string): Bytes {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    throw new SettingsFileError(`Fatal error, can't open config file '${path}': ${systemText(error)}`);
  }
}

/** The files that an include names: a pattern may match nothing. */
function includedFiles(path: string): string[] {
  if (!/[*?[]/.test(path)) return [path];
  const folder = dirname(path);
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // As a pattern that matches nothing.
  }
  return names
    .filter((name) => globMatch(basename(path), name) && (!name.startsWith(".") || basename(path).startsWith(".")))
    .sort()
    .map((name) => join(folder, name));
}
