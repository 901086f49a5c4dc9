import { ErrorReply } from "../../protocol/resp/reply.js";
import { errors } from "../dispatch/errors.js";
import { Flag } from "../dispatch/flags.js";

/** An error that a real server gives in some state, and which commands it refuses in that state. */
export interface StateError {
  readonly reply: ErrorReply;
  /** Whether a command with these flag bits is refused. */
  readonly refuses: (bits: number) => boolean;
}

const always = (): boolean => true;
const without =
  (flag: number) =>
  (bits: number): boolean =>
    (bits & flag) === 0;
const having =
  (flag: number) =>
  (bits: number): boolean =>
    (bits & flag) !== 0;

const STATE_ERRORS: Readonly<Record<string, StateError>> = {
  LOADING: { reply: errors.loading, refuses: without(Flag.loading) },
  MASTERDOWN: { reply: errors.masterDown, refuses: without(Flag.stale) },
  READONLY: { reply: errors.readOnly, refuses: having(Flag.write) },
  NOREPLICAS: { reply: errors.noReplicas, refuses: having(Flag.write) },
  OOM: {
    reply: new ErrorReply("OOM command not allowed when used memory > 'maxmemory'."),
    refuses: having(Flag.denyOom),
  },
  MISCONF: {
    reply: new ErrorReply(
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
    ),
    refuses: having(Flag.write),
  },
  BUSY: {
    reply: new ErrorReply("BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
    refuses: always,
  },
  NOAUTH: { reply: errors.noAuth, refuses: without(Flag.noAuth) },
  TRYAGAIN: { reply: new ErrorReply("TRYAGAIN Multiple keys request during rehashing of slot"), refuses: always },
};

/** What `fail(error)` means: a bare code that Redis knows gets its text and its scope, anything else is taken as it is. */
export function stateError(error: string | { readonly message: string }): StateError {
  if (typeof error !== "string") return { reply: new ErrorReply(oneLine(error.message)), refuses: always };
  const known = Object.hasOwn(STATE_ERRORS, error) ? STATE_ERRORS[error] : undefined;
  return (
    known ?? {
      reply: new ErrorReply(oneLine(error.includes(" ") ? error : `${error} injected by a fault`)),
      refuses: always,
    }
  );
}

/** An error reply is one line; a line end inside would break the protocol. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}
