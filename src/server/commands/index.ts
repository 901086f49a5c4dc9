import type { CommandGroup } from "../dispatch/registry.js";
import { clientCommands } from "./clients.js";
import { connectionCommands } from "./connection.js";
import { expiryCommands } from "./expiry.js";
import { genericCommands } from "./generic.js";
import { hashCommands } from "./hashes.js";
import { listCommands } from "./lists/index.js";
import { pubsubCommands } from "./pubsub.js";
import { setCommands } from "./sets.js";
import { sortedSetCommands } from "./sorted-sets/index.js";
import { stringCommands } from "./strings.js";
import { transactionCommands } from "./transactions.js";

/** The groups that every server has. */
export const commandGroups: readonly CommandGroup[] = [
  clientCommands,
  connectionCommands,
  expiryCommands,
  genericCommands,
  hashCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  pubsubCommands,
  stringCommands,
  transactionCommands,
];
