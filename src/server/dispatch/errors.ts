import { ErrorReply } from "../../protocol/resp/reply.js";

/** Thrown by a command to answer with an error; the dispatcher sends `reply`. In hot paths return the reply instead. */
export class CommandError extends Error {
  constructor(readonly reply: ErrorReply) {
    super(reply.text);
    this.name = "CommandError";
  }
}

/** An error that a command inside a script has counted already: handing it on to the client doesn't count it again. */
export class CountedErrorReply extends ErrorReply {}

/** Answers the running command with this error. */
export function fail(reply: ErrorReply | string): never {
  throw new CommandError(typeof reply === "string" ? new ErrorReply(reply) : reply);
}

/** Error replies that many commands share, word for word as Redis 7.0 has them. */
export const errors = {
  wrongType: new ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value"),
  syntax: new ErrorReply("ERR syntax error"),
  notInteger: new ErrorReply("ERR value is not an integer or out of range"),
  notFloat: new ErrorReply("ERR value is not a valid float"),
  notPositive: new ErrorReply("ERR value is out of range, must be positive"),
  outOfRange: new ErrorReply("ERR value is out of range"),
  indexOutOfRange: new ErrorReply("ERR index out of range"),
  noSuchKey: new ErrorReply("ERR no such key"),
  overflow: new ErrorReply("ERR increment or decrement would overflow"),
  nanOrInfinity: new ErrorReply("ERR increment would produce NaN or Infinity"),
  stringTooLong: new ErrorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
  timeoutNotFloat: new ErrorReply("ERR timeout is not a float or out of range"),
  timeoutNegative: new ErrorReply("ERR timeout is negative"),
  invalidCursor: new ErrorReply("ERR invalid cursor"),
  invalidDb: new ErrorReply("ERR invalid DB index"),
  dbOutOfRange: new ErrorReply("ERR DB index is out of range"),
  notInTransaction: new ErrorReply("ERR Command not allowed inside a transaction"),
  replicaKeyspace: new ErrorReply("ERR Replica can't interact with the keyspace"),
  noAuth: new ErrorReply("NOAUTH Authentication required."),
  readOnly: new ErrorReply("READONLY You can't write against a read only replica."),
  masterDown: new ErrorReply("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
  misconf: new ErrorReply(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
  ),
  noReplicas: new ErrorReply("NOREPLICAS Not enough good replicas to write."),
  loading: new ErrorReply("LOADING Redis is loading the dataset in memory"),
  unblockedByDemotion: new ErrorReply(
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
  ),
} as const;

/** `ERR wrong number of arguments for 'name' command`; `name` in lower case, `parent|sub` for subcommands. */
export function wrongArity(name: string): ErrorReply {
  return new ErrorReply(`ERR wrong number of arguments for '${name}' command`);
}
