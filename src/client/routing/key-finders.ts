import type { KeyFinder } from "./command-spec.js";
import { countIn, indexOfWord, isWord } from "./words.js";

const NO_KEYS: readonly number[] = [];
const FIRST: readonly number[] = [0];

/** Position lists are shared for calls of up to this many arguments. */
const SHARED = 256;

/** A command without keys. */
export const noKeys: KeyFinder = () => NO_KEYS;

/** The keys are exactly the first argument. */
export const firstKey: KeyFinder = () => FIRST;

/**
 * Keys at `first`, `first + step` … up to `last`; indexes into the arguments (0 is the one behind the command's name),
 * a negative `last` counts from the end (-1 is the last argument).
 */
export function keyRange(first: number, last: number, step: number): KeyFinder {
  if (first === 0 && last === 0) return firstKey;
  const byLength: (readonly number[] | undefined)[] = [];
  const build = (length: number): readonly number[] => {
    const end = Math.min(last < 0 ? length + last : last, length - 1);
    const positions: number[] = [];
    for (let i = first; i <= end; i += step) positions.push(i);
    return positions;
  };
  return (args) => {
    const { length } = args;
    return length < SHARED ? (byLength[length] ??= build(length)) : build(length);
  };
}

/** A count at `at` and that many keys behind it, after the fixed keys `before` (ZUNIONSTORE's destination). */
function countedKeys(at: number, before: readonly number[] = []): KeyFinder {
  return (args) => {
    const count = Math.min(countIn(args[at]), args.length - at - 1);
    if (count <= 0) return before;
    const positions = before.slice();
    for (let i = 0; i < count; i++) positions.push(at + 1 + i);
    return positions;
  };
}

/** XREAD, XREADGROUP: the first half of what follows STREAMS. */
function streamKeys(from: number): KeyFinder {
  return (args) => {
    const at = indexOfWord(args, "STREAMS", from);
    if (at < 0) return NO_KEYS;
    const count = (args.length - at - 1) >>> 1;
    const positions: number[] = [];
    for (let i = 0; i < count; i++) positions.push(at + 1 + i);
    return positions;
  };
}

/** SORT, SORT_RO: the key and STORE's. What BY and GET touch cannot be named. */
const sortKeys: KeyFinder = (args) => {
  if (args.length < 2) return FIRST;
  const positions = [0];
  for (let i = 1; i < args.length - 1; i++) {
    if (isWord(args[i], "STORE")) positions.push(++i);
    else if (isWord(args[i], "BY") || isWord(args[i], "GET")) i++;
    else if (isWord(args[i], "LIMIT")) i += 2;
  }
  return positions;
};

/** MIGRATE host port key|"" db timeout … [KEYS key …] */
const migrateKeys: KeyFinder = (args) => {
  const key = args[2];
  if ((typeof key === "string" || Buffer.isBuffer(key)) && key.length > 0) return [2];
  const at = indexOfWord(args, "KEYS", 5);
  const positions: number[] = [];
  if (at >= 0) for (let i = at + 1; i < args.length; i++) positions.push(i);
  return positions;
};

/** The union of what several finders name, each position once, in order. */
export function allOf(finders: readonly KeyFinder[]): KeyFinder {
  const [only] = finders;
  if (only === undefined) return noKeys;
  if (finders.length === 1) return only;
  return (args) => [...new Set(finders.flatMap((find) => find(args)))].sort((a, b) => a - b);
}

/** Commands whose keys move with their arguments, by name: more is known of them than the tables say. */
export const MOVING_KEYS: ReadonlyMap<string, KeyFinder> = new Map<string, KeyFinder>([
  ...["lmpop", "zmpop", "zunion", "zinter", "zdiff", "zintercard", "sintercard", "sdiffcard", "sunioncard"].map(
    (name) => [name, countedKeys(0)] as const,
  ),
  ...["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "blmpop", "bzmpop"].map(
    (name) => [name, countedKeys(1)] as const,
  ),
  ...["zunionstore", "zinterstore", "zdiffstore"].map((name) => [name, countedKeys(1, [0])] as const),
  ["xread", streamKeys(0)],
  ["xreadgroup", streamKeys(3)],
  ["sort", sortKeys],
  ["sort_ro", sortKeys],
  ["migrate", migrateKeys],
]);
