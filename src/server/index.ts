export { ManualClock } from "../core/manual-clock.js";
export type { Clock, TimerHandle } from "../core/clock.js";
export type { Address, DevServerOptions, DevTopologyOptions } from "./dev-options.js";
export type { FailOptions, FaultHandle, PartitionOptions, ServerFaults } from "./faults/types.js";
