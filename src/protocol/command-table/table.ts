import { commandRows } from "./data.js";
import { specFromRow } from "./rows.js";
import type { CommandSpec } from "./types.js";

/** What redis-server 7.0 says of each of its commands, by lower-case name, in alphabetical order. */
export const commandTable: ReadonlyMap<string, CommandSpec> = new Map(
  commandRows.map((row) => {
    const spec = specFromRow(row);
    return [spec.name, spec];
  }),
);
