import { type CommandFacts, staticFacts } from "./command-facts.js";
import type { CommandEffects, CommandIntent, CommandSpec, KeysKnown } from "./command-spec.js";
import { firstKey, noKeys } from "./key-finders.js";
import { serverFacts } from "./server-facts.js";
import { countIn, indexOfWord, isWord } from "./words.js";

export { type CommandSpec, keysOf } from "./command-spec.js";

/** Spellings remembered; names come from callers and may be anything. */
const SPELLINGS = 4096;

const DEDICATED = new Set(
  "subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe monitor watch unwatch".split(" "),
);
/** They block, whatever their flags say (WAIT has no flag before 7.2). */
const BLOCKS_ALWAYS = new Set(["wait", "waitaof"]);
const PINNED = new Set(["scan", "hscan", "sscan", "zscan"]);
const SCRIPTS = new Set(["eval", "evalsha", "fcall", "eval_ro", "evalsha_ro", "fcall_ro"]);
/** They write where their keys don't say: another database, everything, or anything. */
const BEYOND_KEYS = new Set(["move", "debug"]);
/** Neither reads nor writes data by its flags, but runs what may write. */
const MAY_WRITE = new Set(["eval", "evalsha", "fcall", "debug"]);
/** They block only with this option. */
const BLOCK_OPTION = new Set(["xread", "xreadgroup"]);

/**
 * What is known of commands: `@ioredis/commands`, overridden by the server's own COMMAND, so that modules and new
 * commands route right. A command that neither knows is a write of unknown effects.
 */
export class CommandTable {
  readonly #server = new Map<string, CommandFacts>();
  readonly #bySpelling = new Map<string, CommandSpec>();

  /** The command by name, in any letter case. For many calls that is all; `of()` also looks at the arguments. */
  lookup(name: string): CommandSpec {
    return this.#bySpelling.get(name) ?? this.#learn(name);
  }

  /** The form of the command that this call is: `OBJECT ENCODING`, `XREAD BLOCK`, `EVAL` without keys. */
  of(name: string, args: readonly unknown[]): CommandSpec {
    const spec = this.#bySpelling.get(name) ?? this.#learn(name);
    return spec.refine === null ? spec : spec.refine(args);
  }

  /**
   * Takes the server's answer to COMMAND. What the server doesn't list stays as the static table has it. Specs handed
   * out before stay valid as they were. Returns how many commands it understood.
   */
  override(serverCommandReply: readonly unknown[]): number {
    const facts = serverFacts(serverCommandReply);
    for (const one of facts) this.#server.set(one.name, one);
    if (facts.length > 0) this.#bySpelling.clear();
    return facts.length;
  }

  #learn(name: string): CommandSpec {
    const lower = name.toLowerCase();
    const spec = name === lower ? this.#build(lower) : this.lookup(lower);
    if (this.#bySpelling.size < SPELLINGS) this.#bySpelling.set(name, spec);
    return spec;
  }

  #build(name: string): CommandSpec {
    const facts = this.#server.get(name) ?? staticFacts(name);
    return facts === null ? unknownSpec(name) : specOf(facts);
  }
}

function unknownSpec(name: string): CommandSpec {
  return {
    name,
    intent: "write",
    keysKnown: "none",
    effects: "unknown",
    blocking: false,
    firstKeyOnly: false,
    known: false,
    refine: null,
    findKeys: noKeys,
  };
}

function specOf(facts: CommandFacts): CommandSpec {
  const { name, findKeys, keysKnown } = facts;
  const blocking = BLOCKS_ALWAYS.has(name) || (facts.flags.has("blocking") && !BLOCK_OPTION.has(name));
  const plain: CommandSpec = {
    name,
    intent: intentOf(facts, blocking),
    keysKnown,
    effects: effectsOf(facts),
    blocking,
    firstKeyOnly: findKeys === firstKey && keysKnown === "all",
    known: true,
    refine: null,
    findKeys,
  };
  return { ...plain, refine: refinementOf(facts, plain) };
}

function intentOf({ name, flags }: CommandFacts, blocking: boolean): CommandIntent {
  if (blocking || DEDICATED.has(name)) return "dedicated";
  if (PINNED.has(name)) return "pinned";
  if (flags.has("readonly")) return "read";
  return flags.has("write") ? "write" : "master";
}

function effectsOf({ name, flags, keysKnown, subcommands }: CommandFacts): CommandEffects {
  if (flags.has("readonly")) return "none";
  const writes = flags.has("write") || MAY_WRITE.has(name) || flags.has("module");
  // A subcommand that is not listed may be a new one that writes, where its neighbours do.
  if (!writes) return [...subcommands.values()].some((sub) => sub.flags.has("write")) ? "unknown" : "none";
  return keysKnown === "all" && !BEYOND_KEYS.has(name) ? "keys" : "unknown";
}

/** The choice among forms of a command that its arguments make; null where there is but one. */
function refinementOf(facts: CommandFacts, plain: CommandSpec): CommandSpec["refine"] {
  const { name, subcommands } = facts;
  if (subcommands.size > 0) {
    const forms = new Map([...subcommands].map(([sub, subFacts]) => [sub, specOf(subFacts)]));
    return (args) => forms.get(String(args[0]).toLowerCase()) ?? plain;
  }
  if (BLOCK_OPTION.has(name)) {
    const blocked: CommandSpec = { ...plain, intent: "dedicated", blocking: true };
    return (args) => (blocks(args) ? blocked : plain);
  }
  if (SCRIPTS.has(name)) {
    const keyless = variant(plain, "none", plain.effects === "none" ? "none" : "unknown");
    return (args) => (countIn(args[1]) === 0 ? keyless : plain);
  }
  if (name === "sort" || name === "sort_ro") {
    const byPattern = variant(plain, "partial", plain.effects);
    return (args) => (usesPatterns(args) ? byPattern : plain);
  }
  if (name === "copy") {
    const toOtherDb = variant(plain, plain.keysKnown, "unknown");
    return (args) => (args.length > 2 && indexOfWord(args, "DB", 2) >= 0 ? toOtherDb : plain);
  }
  return null;
}

function variant(plain: CommandSpec, keysKnown: KeysKnown, effects: CommandEffects): CommandSpec {
  return { ...plain, keysKnown, effects, firstKeyOnly: plain.firstKeyOnly && keysKnown === "all" };
}

/** BLOCK stands among the options, in front of STREAMS; behind it the word is a stream's name. */
function blocks(args: readonly unknown[]): boolean {
  for (const arg of args) {
    if (isWord(arg, "STREAMS")) return false;
    if (isWord(arg, "BLOCK")) return true;
  }
  return false;
}

function usesPatterns(args: readonly unknown[]): boolean {
  return indexOfWord(args, "BY", 1) >= 0 || indexOfWord(args, "GET", 1) >= 0;
}
