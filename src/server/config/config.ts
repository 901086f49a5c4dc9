import type { Bytes } from "../../protocol/resp/reply.js";
import { splitArguments } from "../../protocol/resp/split-arguments.js";
import { parseUserLine, type UserLine } from "../acl/rules.js";
import type { Directive } from "./directives.js";
import { directives } from "./directives.js";
import { type ParsedValue, parseValue, parseWords } from "./parse-value.js";

/** Why a change can't take effect, in redis-server's words, or null; opening a port takes time. */
export type Applied = string | null | Promise<string | null>;

/** Makes the present values of some directives take effect, where that can fail. */
export type Applier = () => Applied;

/** A directive that does not exist or a value it does not take; `message` names the directive and what it wants. */
export class ConfigError extends Error {
  /** @param reason what redis-server says of it */
  constructor(
    readonly directive: string,
    readonly reason: string,
  ) {
    super(`bad value for '${directive}': ${reason}`);
    this.name = "ConfigError";
  }
}

const byName = new Map<string, Directive>();
for (const directive of directives) {
  byName.set(directive.name, directive);
  if (directive.alias !== undefined) byName.set(directive.alias, directive);
}

/** The directive of that name or alias, in any letter case. */
export function findDirective(name: Bytes): Directive | undefined {
  return byName.get(name.toLowerCase());
}

/** The settings of one server: every directive of redis.conf, checked, with typed readers and change listeners. */
export class Config {
  readonly #values = new Map<string, string>();
  readonly #numbers = new Map<string, number>();
  readonly #listeners = new Set<(names: readonly string[]) => void>();
  readonly #appliers = new Map<string, Applier>();
  /** `rename-command` lines: [from, to]. */
  readonly renames: (readonly [Bytes, Bytes])[] = [];
  /** `user` lines. */
  readonly users: UserLine[] = [];
  /** The file that CONFIG REWRITE writes; null if there is none. */
  file: string | null = null;

  /** @throws ConfigError for an unknown directive or a bad value */
  constructor(settings: Readonly<Record<string, string | number | boolean>> = {}) {
    for (const directive of directives) this.#store(directive, directive.fallback);
    for (const [name, value] of Object.entries(settings)) {
      this.load(name, typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
    }
  }

  /** Sets a directive as the config file does: immutable ones too. `value` is one text, as CONFIG SET takes it. @throws ConfigError */
  load(name: Bytes, value: Bytes): void {
    if (name.toLowerCase() === "user") return this.loadUser(splitArguments(value) ?? []);
    this.#load(name, (directive, current) => parseValue(directive, value, current));
  }

  /** As {@link load}, for the words of a line of a config file. @throws ConfigError */
  loadWords(name: Bytes, words: readonly Bytes[]): void {
    this.#load(name, (directive, current) => parseWords(directive, words, current));
  }

  #load(name: Bytes, parse: (directive: Directive, current: Bytes) => ParsedValue): void {
    const directive = findDirective(name);
    if (directive === undefined) throw new ConfigError(name, "unknown directive");
    const parsed = parse(directive, this.#values.get(directive.name) ?? directive.fallback);
    if ("error" in parsed) throw new ConfigError(name, parsed.error);
    this.#store(directive, parsed.value);
  }

  /** A `user` line: the name and the rules, as words. @throws ConfigError */
  loadUser(words: readonly Bytes[]): void {
    const line = parseUserLine(words, this.users);
    if ("error" in line) throw new ConfigError("user", line.error);
    this.users.push(line);
  }

  /** A change of one of these directives takes effect by `applier`; if that fails, CONFIG SET takes everything back. */
  setApplier(names: readonly string[], applier: Applier): void {
    for (const name of names) this.#appliers.set(name, applier);
  }

  /** Puts checked values in their places; nobody is told yet. Returns what takes them back, and what makes them take effect. */
  stage(changes: readonly (readonly [Directive, string])[]): {
    readonly appliers: readonly { readonly name: string; readonly run: Applier }[];
    undo(): void;
  } {
    const old = changes.map(([directive]) => [directive, this.text(directive.name)] as const);
    const appliers = new Map<Applier, string>();
    changes.forEach(([directive, value], i) => {
      const applier = this.#appliers.get(directive.name);
      if (applier && old[i]?.[1] !== value && !appliers.has(applier)) appliers.set(applier, directive.name);
      this.#store(directive, value);
    });
    return {
      appliers: [...appliers].map(([run, name]) => ({ name, run })),
      undo: () => {
        for (const [directive, value] of old) this.#store(directive, value);
      },
    };
  }

  /** Tells the listeners that these directives have changed. */
  tell(names: readonly string[]): void {
    for (const listener of this.#listeners) listener(names);
  }

  /** Several directives at once, checked before; tells the listeners once. */
  apply(changes: readonly (readonly [Directive, string])[]): void {
    for (const [directive, value] of changes) this.#store(directive, value);
    this.tell(changes.map(([directive]) => directive.name));
  }

  /** Calls `listener` with the names that CONFIG SET (or `set`) has changed. Returns how to stop that. */
  onChange(listener: (names: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Sets one directive at run time, immutable ones included, and tells the listeners. @throws ConfigError */
  set(name: string, value: string | number): void {
    const directive = findDirective(name);
    if (directive === undefined) throw new ConfigError(name, "unknown directive");
    const parsed = parseValue(directive, String(value));
    if ("error" in parsed) throw new ConfigError(name, parsed.error);
    this.apply([[directive, parsed.value]]);
  }

  /** The value as CONFIG GET shows it. @throws RangeError if the code asks for a directive that does not exist */
  text(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw new RangeError(`no directive '${name}'`);
    return value;
  }

  /** An integer or a number of bytes. */
  number(name: string): number {
    const value = this.#numbers.get(name);
    if (value === undefined) throw new RangeError(`directive '${name}' is no number`);
    return value;
  }

  flag(name: string): boolean {
    return this.text(name) === "yes";
  }

  #store(directive: Directive, value: string): void {
    this.#values.set(directive.name, value);
    const { kind } = directive;
    if (kind.kind === "integer")
      this.#numbers.set(directive.name, kind.octal ? Number.parseInt(value, 8) : Number(value));
    if (kind.kind === "memory") this.#numbers.set(directive.name, Number.parseFloat(value));
  }
}
