import type { CommandGroup } from "../dispatch/registry.js";
import { aclCommands } from "./acl.js";
import { appendOnlyCommands } from "./append-only.js";
import { bitfieldCommands } from "./bitfield.js";
import { bitmapCommands } from "./bitmaps.js";
import { clientCommands } from "./clients.js";
import { configurationCommands } from "./configuration.js";
import { connectionCommands } from "./connection.js";
import { debugCommands } from "./debug.js";
import { elsewhereCommands } from "./elsewhere.js";
import { evalCommands } from "./evaluation.js";
import { expiryCommands } from "./expiry.js";
import { functionCommands } from "./functions.js";
import { genericCommands } from "./generic.js";
import { geoCommands } from "./geo/index.js";
import { hashCommands } from "./hashes.js";
import { hyperLogLogCommands } from "./hyperloglog/index.js";
import { infoCommands } from "./info.js";
import { introspectionCommands } from "./introspection.js";
import { latencyCommands } from "./latency.js";
import { lcsCommands } from "./lcs.js";
import { listCommands } from "./lists/index.js";
import { memoryCommands } from "./memory.js";
import { migrateCommands } from "./migrate.js";
import { objectCommands } from "./objects.js";
import { pubsubCommands } from "./pubsub.js";
import { serverCommands } from "./server.js";
import { setCommands } from "./sets.js";
import { sortCommands } from "./sort.js";
import { sortedSetCommands } from "./sorted-sets/index.js";
import { streamCommands } from "./streams/index.js";
import { stringCommands } from "./strings.js";
import { trackingCommands } from "./tracking.js";
import { transactionCommands } from "./transactions.js";

/** The groups that every server has. */
export const commandGroups: readonly CommandGroup[] = [
  aclCommands,
  appendOnlyCommands,
  bitfieldCommands,
  bitmapCommands,
  clientCommands,
  configurationCommands,
  connectionCommands,
  debugCommands,
  elsewhereCommands,
  evalCommands,
  expiryCommands,
  functionCommands,
  genericCommands,
  geoCommands,
  hashCommands,
  hyperLogLogCommands,
  infoCommands,
  introspectionCommands,
  lcsCommands,
  listCommands,
  memoryCommands,
  migrateCommands,
  objectCommands,
  serverCommands,
  latencyCommands,
  setCommands,
  sortedSetCommands,
  pubsubCommands,
  sortCommands,
  streamCommands,
  stringCommands,
  trackingCommands,
  transactionCommands,
];
