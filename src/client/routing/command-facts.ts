import { getKeyIndexes, hasFlag, list } from "@ioredis/commands";
import type { KeyFinder, KeysKnown } from "./command-spec.js";
import { keyRange, MOVING_KEYS, noKeys } from "./key-finders.js";

/** What a source (the static table or a server's COMMAND) says of one command. */
export interface CommandFacts {
  /** Lower case; `container|subcommand` of a subcommand. */
  readonly name: string;
  readonly flags: ReadonlySet<string>;
  readonly keysKnown: KeysKnown;
  readonly findKeys: KeyFinder;
  /** By lower-case name; empty for most. */
  readonly subcommands: ReadonlyMap<string, CommandFacts>;
}

/** The flags that routing asks for. */
const FLAGS = ["readonly", "write", "blocking", "movablekeys", "module"];

/** Not the package's `exists()`: it takes `constructor` and other names of Object.prototype for commands. */
const LISTED: ReadonlySet<string> = new Set(list);

const NO_SUBCOMMANDS: ReadonlyMap<string, CommandFacts> = new Map();

/** Subcommands that read or write data. The static table does not show their flags, servers before 7.0 neither. */
const SUBCOMMANDS: Readonly<
  Record<string, readonly [flag: "readonly" | "write", keyAt: number | null, names: string]>
> = {
  object: ["readonly", 1, "encoding freq idletime refcount"],
  memory: ["readonly", 1, "usage"],
  xinfo: ["readonly", 1, "consumers groups stream"],
  xgroup: ["write", 1, "create createconsumer delconsumer destroy setid"],
  function: ["write", null, "delete flush load restore"],
};

/** The subcommands of `container` as known without a server. */
export function staticSubcommands(container: string): ReadonlyMap<string, CommandFacts> {
  const known = Object.hasOwn(SUBCOMMANDS, container) ? SUBCOMMANDS[container] : undefined;
  if (known === undefined) return NO_SUBCOMMANDS;
  const [flag, keyAt, names] = known;
  return new Map(
    names.split(" ").map((name) => [
      name,
      {
        name: `${container}|${name}`,
        flags: new Set([flag]),
        keysKnown: keyAt === null ? "none" : "all",
        findKeys: keyAt === null ? noKeys : keyRange(keyAt, keyAt, 1),
        subcommands: NO_SUBCOMMANDS,
      },
    ]),
  );
}

/** What `@ioredis/commands` says of `name` (lower case); null if it does not know it. */
export function staticFacts(name: string): CommandFacts | null {
  if (!LISTED.has(name)) return null;
  const findKeys = MOVING_KEYS.get(name) ?? staticFinder(name);
  return {
    name,
    flags: new Set(FLAGS.filter((flag) => hasFlag(name, flag))),
    keysKnown: findKeys === noKeys ? "none" : "all",
    findKeys,
    subcommands: staticSubcommands(name),
  };
}

/** Turns the package's answers for two probes into a range that allocates nothing; its own search where they fit none. */
function staticFinder(name: string): KeyFinder {
  const search: KeyFinder = (args) => getKeyIndexes(name, args as (string | Buffer | number)[]);
  const probe = (length: number): readonly number[] => search(new Array<string>(length).fill("-"));
  const eight = probe(8);
  const twelve = probe(12);
  const [first, second] = twelve;
  if (name === "msetex" || name === "georadius" || name === "georadiusbymember") return search;
  if (first === undefined) return noKeys;
  const step = second === undefined ? 1 : second - first;
  const end = twelve[twelve.length - 1] as number;
  const fixed = eight[eight.length - 1] === end;
  // Under a step the last keys of two probes say only whether the end is counted from the back.
  return keyRange(first, fixed ? end : lastFromBack(eight, twelve), step);
}

function lastFromBack(eight: readonly number[], twelve: readonly number[]): number {
  return Math.max((eight[eight.length - 1] as number) - 8, (twelve[twelve.length - 1] as number) - 12);
}
