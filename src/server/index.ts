export type { Clock, TimerHandle } from "../core/clock.js";
export { ManualClock } from "../core/manual-clock.js";
export type { Address, DevServerOptions, DevTopologyOptions } from "./dev-options.js";
export { DevServer } from "./dev-server.js";
export { DevTopology, type DevTopologyAddresses, type FailoverOptions } from "./dev-topology.js";
export type { FailOptions, FaultHandle, PartitionOptions, ServerFaults } from "./faults/types.js";
