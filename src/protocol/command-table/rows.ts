import type { CommandSpec, KeySpec } from "./types.js";

/** Flags, where the search begins (index, [keyword, start] or unknown), how keys follow. */
export type KeySpecRow = readonly [
  flags: string,
  begin: number | readonly [keyword: string, startFrom: number] | null,
  find: readonly ["range" | "keynum", number, number, number] | null,
];

/** One command, as data: lists of words are joined by a space. */
export type CommandRow = readonly [
  name: string,
  arity: number,
  flags: string,
  firstKey: number,
  lastKey: number,
  step: number,
  categories: string,
  tips: readonly string[],
  keySpecs: readonly KeySpecRow[],
  since: string,
  group: string,
  subcommands: readonly CommandRow[],
];

/** A row of the data file as the record that the code works with. */
export function specFromRow(row: CommandRow): CommandSpec {
  const [name, arity, flags, firstKey, lastKey, step, categories, tips, keySpecs, since, group, subcommands] = row;
  return {
    name,
    arity,
    flags: words(flags),
    firstKey,
    lastKey,
    step,
    categories: words(categories).map((category) => `@${category}`),
    tips,
    keySpecs: keySpecs.map(keySpecFromRow),
    since,
    group,
    subcommands: subcommands.map(specFromRow),
  };
}

function keySpecFromRow([flags, begin, find]: KeySpecRow): KeySpec {
  return {
    flags: words(flags),
    begin:
      begin === null
        ? "unknown"
        : typeof begin === "number"
          ? { index: begin }
          : { keyword: begin[0], startFrom: begin[1] },
    find:
      find === null
        ? "unknown"
        : find[0] === "range"
          ? { lastKey: find[1], step: find[2], limit: find[3] }
          : { keyNumIndex: find[1], firstKey: find[2], step: find[3] },
  };
}

function words(text: string): readonly string[] {
  return text === "" ? [] : text.split(" ");
}
