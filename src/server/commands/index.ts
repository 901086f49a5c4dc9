import type { CommandGroup } from "../dispatch/registry.js";
import { hashCommands } from "./hashes.js";
import { listCommands } from "./lists/index.js";
import { setCommands } from "./sets.js";
import { sortedSetCommands } from "./sorted-sets/index.js";
import { transactionCommands } from "./transactions.js";

/** The groups that every server has. */
export const commandGroups: readonly CommandGroup[] = [
  hashCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  transactionCommands,
];
