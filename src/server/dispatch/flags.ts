/** Flags of the command table as bits, so that the way of a command tests one number. */
export const Flag = {
  write: 1,
  readonly: 2,
  noAuth: 4,
  noMulti: 8,
  stale: 16,
  loading: 32,
  pubsub: 64,
  skipMonitor: 128,
  denyOom: 256,
  mayReplicate: 512,
  admin: 1024,
  blocking: 2048,
  protected: 4096,
  noScript: 8192,
  /** Allowed while a script holds everything else up. */
  allowBusy: 16384,
  /** Runs a script, which may have flags of its own. */
  script: 32768,
  /** Answered with the error that writes get while nothing can be saved, so that watchers see it: PING. */
  tellsDisk: 65536,
  /** Refused while a dataset is loaded aside, too. */
  noAsyncLoading: 131072,
} as const;

const BITS: Readonly<Record<string, number>> = {
  write: Flag.write,
  readonly: Flag.readonly,
  no_auth: Flag.noAuth,
  no_multi: Flag.noMulti,
  stale: Flag.stale,
  loading: Flag.loading,
  pubsub: Flag.pubsub,
  skip_monitor: Flag.skipMonitor,
  denyoom: Flag.denyOom,
  admin: Flag.admin,
  blocking: Flag.blocking,
  noscript: Flag.noScript,
  allow_busy: Flag.allowBusy,
  no_async_loading: Flag.noAsyncLoading,
};

/**
 * Commands that go into the stream although they are no writes. COMMAND doesn't say which; these are they in 7.0, of
 * the scripts only those that may write.
 */
const MAY_REPLICATE = new Set(["publish", "spublish", "pfcount", "eval", "evalsha", "fcall"]);

const RUNS_SCRIPT = new Set(["eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"]);

/** Commands that enable-debug-command and its like must allow: COMMAND doesn't show this flag either. */
const PROTECTED = new Set(["debug", "module|load", "module|loadex", "module|unload"]);

/** The bits of a command's flags; flags without a bit are left out. */
export function flagBits(name: string, flags: readonly string[]): number {
  let bits = MAY_REPLICATE.has(name) ? Flag.mayReplicate : 0;
  if (RUNS_SCRIPT.has(name)) bits |= Flag.script;
  if (name === "ping") bits |= Flag.tellsDisk;
  if (PROTECTED.has(name) || name.startsWith("debug|")) bits |= Flag.protected;
  for (const flag of flags) bits |= BITS[flag] ?? 0;
  return bits;
}
