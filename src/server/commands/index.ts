import type { CommandGroup } from "../dispatch/registry.js";
import { transactionCommands } from "./transactions.js";

/** The groups that every server has. */
export const commandGroups: readonly CommandGroup[] = [transactionCommands];
