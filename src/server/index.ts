export type { Clock, TimerHandle } from "../core/clock.js";
export { ManualClock, manualClock } from "../core/manual-clock.js";
export type { Address, DevServerOptions, DevServerTls, DevTopologyOptions } from "./dev-options.js";
export { DevSentinel, type DevSentinelOptions } from "./dev-sentinel.js";
export { DevServer } from "./dev-server.js";
export {
  type DevSentinelAddresses,
  DevTopology,
  type DevTopologyAddresses,
  type FailoverOptions,
} from "./dev-topology.js";
export type { LinkControl } from "./faults/link-control.js";
export type {
  CommandFaultHandle,
  CommandFilter,
  FailOptions,
  FaultClient,
  FaultHandle,
  FaultRequest,
  PartitionOptions,
  ServerFaults,
} from "./faults/types.js";
export type { Endpoints } from "./net/connection.js";
export { type MemoryEnd, MemorySocket } from "./net/memory-socket.js";
export {
  type MemoryConnector,
  type MemoryHop,
  MemoryTransport,
  type MemoryTransportOptions,
  memoryTransport,
} from "./net/memory-transport.js";
export {
  type ConnectOptions,
  type ListenHandlers,
  type Listening,
  type ListenOptions,
  systemTransport,
  type Transport,
  type TransportStream,
} from "./net/transport.js";
export { ServerSnapshot, TopologySnapshot } from "./snapshots.js";
export { type ExpectedCommand, ReplicationTap, TapMismatch, type TappedCommand } from "./tap.js";
