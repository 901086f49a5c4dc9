/** Door of the client's errors. */
export {
  type ErrorCommand,
  type ErrorFacts,
  type ErrorPlace,
  errorCommand,
  IoreplicaError,
  type IoreplicaErrorCode,
  type Sent,
} from "./errors/base.js";
export {
  AbortedError,
  ClientClosedError,
  ConnectionBoundError,
  CursorLostError,
  InvalidArgumentError,
  InvalidOptionError,
  InvalidTokenError,
  type LostRange,
  type NodeReason,
  NoEligibleReplicaError,
  NoMasterError,
  NotReplicatedError,
  PoolExhaustedError,
  QueueFullError,
  TimeoutError,
  TransactionConflictError,
  UnknownNodeError,
  UnknownOutcomeError,
  UnsupportedServerError,
  WritesLostError,
  type WriteVerdict,
} from "./errors/kinds.js";
export { type DecoratedReplyError, decorateReplyError } from "./errors/reply-error.js";
