import type { Bytes } from "../../protocol/resp/reply.js";
import { type AclCommand, CATEGORIES, COMMAND_COUNT, everyCommand, findAclCommand } from "./catalogue.js";
import { hasSpaces, type RuleResult, ruleErrors } from "./rule-error.js";

export const READ = 1;
export const WRITE = 2;

/** Keys that may be used, and how: `READ`, `WRITE` or both. */
export interface KeyPattern {
  readonly pattern: Bytes;
  access: number;
}

/** Stands for commands that are still to be invented: set by `+@all`, never by a list of commands. */
const FUTURE = COMMAND_COUNT;

/** One set of permissions: commands, keys and channels that go together. A user has a root selector and may have more. */
export class Selector {
  allKeys = false;
  allChannels: boolean;
  allCommands = false;
  readonly #allowed = new Uint8Array(COMMAND_COUNT + 1);
  /** Of commands that are not allowed: first arguments with which they are (`+select|0`), by the command's id. */
  readonly #firstArgs = new Map<number, string[]>();
  keys: KeyPattern[] = [];
  channels: Bytes[] = [];

  /** @param allChannels acl-pubsub-default */
  constructor(allChannels: boolean) {
    this.allChannels = allChannels;
  }

  copy(): Selector {
    const copy = new Selector(this.allChannels);
    copy.allKeys = this.allKeys;
    copy.allCommands = this.allCommands;
    copy.#allowed.set(this.#allowed);
    for (const [id, args] of this.#firstArgs) copy.#firstArgs.set(id, [...args]);
    copy.keys = this.keys.map((key) => ({ ...key }));
    copy.channels = [...this.channels];
    return copy;
  }

  allows(command: AclCommand): boolean {
    return this.#allowed[command.id] === 1;
  }

  /** True after `+@all`, whatever was taken away since. */
  get allowsFuture(): boolean {
    return this.#allowed[FUTURE] === 1;
  }

  firstArgsOf(command: AclCommand): readonly string[] {
    return this.#firstArgs.get(command.id) ?? [];
  }

  /** Applies one rule: `+get`, `-@write`, `~key:*`, `%R~k`, `&channel`, `allkeys` … */
  apply(rule: Bytes): RuleResult {
    switch (rule.toLowerCase()) {
      case "allkeys":
      case "~*":
        return this.#resetKeys(true);
      case "resetkeys":
        return this.#resetKeys(false);
      case "allchannels":
      case "&*":
        return this.#resetChannels(true);
      case "resetchannels":
        return this.#resetChannels(false);
      case "allcommands":
      case "+@all":
        return this.#resetCommands(true);
      case "nocommands":
      case "-@all":
        return this.#resetCommands(false);
    }
    const [sign] = rule;
    if (sign === "~" || sign === "%") return this.#addKeys(rule);
    if (sign === "&") return this.#addChannel(rule.slice(1));
    if (sign === "+" || sign === "-") {
      if (rule[1] === "@") return this.#setCategory(rule.slice(2), sign === "+");
      return sign === "+" ? this.#allow(rule.slice(1)) : this.#deny(rule.slice(1));
    }
    return ruleErrors.syntax;
  }

  /** Allows or denies a command with its subcommands; what was said of its first arguments is void. */
  set(command: AclCommand, allow: boolean): void {
    this.#allowed[command.id] = allow ? 1 : 0;
    if (!allow) this.allCommands = false;
    this.#firstArgs.delete(command.id);
    for (const sub of command.subcommands) this.#allowed[sub.id] = allow ? 1 : 0;
  }

  #resetKeys(all: boolean): null {
    this.allKeys = all;
    this.keys = [];
    return null;
  }

  #resetChannels(all: boolean): null {
    this.allChannels = all;
    this.channels = [];
    return null;
  }

  #resetCommands(all: boolean): null {
    this.#allowed.fill(all ? 1 : 0);
    this.allCommands = all;
    this.#firstArgs.clear();
    return null;
  }

  #addKeys(rule: Bytes): RuleResult {
    if (this.allKeys) return ruleErrors.patternAfterAllKeys;
    let access = READ | WRITE;
    let pattern = rule.slice(1);
    if (rule.startsWith("%")) {
      const tilde = rule.indexOf("~");
      const letters = rule.slice(1, tilde < 0 ? undefined : tilde).toUpperCase();
      if (!/^(R|W|RW|WR)$/.test(letters)) return ruleErrors.syntax;
      access = (letters.includes("R") ? READ : 0) | (letters.includes("W") ? WRITE : 0);
      pattern = tilde < 0 ? "" : rule.slice(tilde + 1);
    }
    if (hasSpaces(pattern)) return ruleErrors.syntax;
    const known = this.keys.find((key) => key.pattern === pattern);
    if (known === undefined) this.keys.push({ pattern, access });
    else known.access |= access;
    return null;
  }

  #addChannel(pattern: Bytes): RuleResult {
    if (this.allChannels) return ruleErrors.patternAfterAllChannels;
    if (hasSpaces(pattern)) return ruleErrors.syntax;
    if (!this.channels.includes(pattern)) this.channels.push(pattern);
    return null;
  }

  #setCategory(name: Bytes, allow: boolean): RuleResult {
    const category = name.toLowerCase();
    if (!CATEGORIES.includes(category)) return ruleErrors.unknownCommand;
    for (const command of everyCommand()) if (command.categories.has(category)) this.set(command, allow);
    return null;
  }

  #allow(name: Bytes): RuleResult {
    const bar = name.lastIndexOf("|");
    const command = findAclCommand(bar < 0 ? name : name.slice(0, bar));
    if (command === undefined) return ruleErrors.unknownCommand;
    if (bar < 0) {
      this.set(command, true);
      return null;
    }
    if (command.parent !== null) return ruleErrors.firstArgOfSubcommand;
    const argument = name.slice(bar + 1);
    if (argument === "") return ruleErrors.syntax;
    if (command.subcommands.length > 0) {
      const sub = findAclCommand(name);
      if (sub === undefined) return ruleErrors.unknownCommand;
      this.set(sub, true);
      return null;
    }
    const known = this.#firstArgs.get(command.id) ?? [];
    if (!known.some((other) => other.toLowerCase() === argument.toLowerCase())) known.push(argument);
    this.#firstArgs.set(command.id, known);
    return null;
  }

  #deny(name: Bytes): RuleResult {
    const command = findAclCommand(name);
    if (command === undefined) return ruleErrors.unknownCommand;
    this.set(command, false);
    return null;
  }
}
