/**
 * `ioreplica`: one logical connection to a Redis or Valkey master and its replicas.
 *
 * @module
 */

export type { CarryOptions } from "./client/carry/carry-options.js";
export {
  type CarriedSession,
  type RequestHeaders,
  type TokenCarrier,
  tokenCarrier,
} from "./client/carry/token-carrier.js";
export type { TokenCounts } from "./client/engine/sessions.js";
export {
  AbortedError,
  ClientClosedError,
  ConnectionBoundError,
  CursorLostError,
  CutOffError,
  type ErrorCommand,
  type ErrorFacts,
  type ErrorPlace,
  InvalidArgumentError,
  InvalidOptionError,
  InvalidTokenError,
  IoreplicaError,
  type IoreplicaErrorCode,
  type LostRange,
  type NodeReason,
  NoEligibleReplicaError,
  NoMasterError,
  NotReplicatedError,
  PoolExhaustedError,
  QueueFullError,
  type Sent,
  TimeoutError,
  TransactionConflictError,
  UnknownNodeError,
  UnknownOutcomeError,
  UnsupportedServerError,
  WritesLostError,
  type WriteVerdict,
} from "./client/errors.js";
export type { ConnectionOptions, TransactionOptions } from "./client/options/lent.js";
export type {
  CircuitOptions,
  ClientTransport,
  Credentials,
  DevClientOptions,
  LimitOptions,
  NodeInput,
  NodeOptions,
  PassedRedisOption,
  PoolOptions,
  ReplicatedClientOptions,
  SharedRedisOptions,
} from "./client/options/types.js";
export { ReplicatedClient } from "./client/replicated-client.js";
export type { ReplicatedSession, SessionMethods, SessionOptions } from "./client/replicated-session.js";
export type * from "./client/types.js";
