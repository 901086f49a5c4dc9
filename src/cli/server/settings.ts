import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { globMatch } from "../../server/commands/support/glob.js";
import type { Config } from "../../server/config/config.js";
import { ConfigError, findDirective } from "../../server/config/config.js";

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

/** What a redis.conf may still say although nothing depends on it any more. */
const DEPRECATED = new Set(["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"]);
const MAX_INCLUDES = 16;

/**
 * The command line of redis-server: an optional config file (`-` = standard input), then `--directive value…`.
 * @returns the text of the options as lines of a config file, and the file
 */
export function readCommandLine(args: readonly string[]): { readonly file: string | null; readonly options: string } {
  let file: string | null = null;
  let rest = args;
  const first = args[0];
  if (first !== undefined && !first.startsWith("--")) {
    file = first;
    rest = args.slice(1);
  }
  const lines: string[][] = [];
  for (const word of rest) {
    if (word.startsWith("--")) lines.push([word.slice(2)]);
    else if (lines.length === 0) throw new SettingsError(1, word, "Bad directive or wrong number of arguments");
    // Somebody wrote `--port "6380 "` or `--save ""`: the words are taken as they are, never split again.
    else lines.at(-1)?.push(quotedWord(word));
  }
  return { file, options: lines.map((words) => words.join(" ")).join("\n") };
}

/** Quotes a word so that `splitArguments` gives it back. Bytes beyond ASCII are kept as they are. */
function quotedWord(word: string): string {
  const bytes = Buffer.from(word, "utf8").toString("latin1");
  return /^[^\s"'\\]+$/.test(bytes)
    ? bytes
    : `"${bytes.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}"`;
}

/** Applies lines of redis.conf to a config. @throws SettingsError */
export function applySettings(config: Config, text: string, depth = 0): void {
  let saves: string[] | null = null;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const refuse = (reason: string): never => {
      throw new SettingsError(index + 1, line, reason);
    };
    const words = splitArguments(line) ?? refuse("Unbalanced quotes in configuration line");
    const name = (words[0] ?? "").toLowerCase();
    const values = words.slice(1);
    if (name === "include") {
      if (values.length !== 1 || depth >= MAX_INCLUDES) refuse("Bad directive or wrong number of arguments");
      for (const path of includedFiles(values[0] as string))
        applySettings(config, readFileSync(path, "latin1"), depth + 1);
    } else if (name === "rename-command") {
      if (values.length !== 2) refuse("Bad directive or wrong number of arguments");
      config.renames.push([values[0] as string, values[1] as string]);
    } else if (name === "user") {
      if (values.length === 0) refuse("Bad directive or wrong number of arguments");
      loadUser(config, values, refuse);
    } else if (name === "loadmodule") {
      refuse("modules cannot be loaded by this server");
    } else if (name === "save" && values.join("") !== "") {
      saves = [...(saves ?? []), ...values];
      load(config, "save", saves.join(" "), refuse);
    } else if (!DEPRECATED.has(name)) {
      if (name === "save") saves = null;
      applyDirective(config, name, values, refuse);
    }
  }
}

function applyDirective(
  config: Config,
  name: string,
  values: readonly string[],
  refuse: (reason: string) => never,
): void {
  const directive = findDirective(name) ?? refuse("Bad directive or wrong number of arguments");
  const { kind } = directive;
  const several = kind.kind === "special" || (kind.kind === "choice" && kind.several === true);
  if (values.length === 0 || (values.length > 1 && !several)) refuse("wrong number of arguments");
  load(config, name, values.join(" "), refuse);
}

function load(config: Config, name: string, value: string, refuse: (reason: string) => never): void {
  try {
    config.load(name, value);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error.reason);
  }
}

function loadUser(config: Config, words: readonly string[], refuse: (reason: string) => never): void {
  try {
    config.loadUser(words);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error.reason);
  }
}

/** The files that an include names; its last part may be a pattern, which may match nothing. */
function includedFiles(path: string): string[] {
  if (!/[*?[]/.test(basename(path))) return [path];
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((name) => globMatch(basename(path), name))
    .sort()
    .map((name) => join(folder, name));
}
