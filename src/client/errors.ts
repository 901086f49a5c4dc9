/** Door of the client's errors. */
export {
  type ErrorCommand,
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
  NoEligibleReplicaError,
  NoMasterError,
  type NodeReason,
  NotReplicatedError,
  PoolExhaustedError,
  QueueFullError,
  TimeoutError,
  TransactionConflictError,
  UnknownNodeError,
  UnknownOutcomeError,
  UnsupportedServerError,
  type WriteVerdict,
  WritesLostError,
} from "./errors/kinds.js";
export { type DecoratedReplyError, decorateReplyError } from "./errors/reply-error.js";
