import type { Aof } from "./aof.js";

/**
 * The log was turned on while the server runs: its first base is written now, or as soon as nothing else is being written.
 * False, with a line in the log, if that can't be.
 */
export function wantFirstBase(aof: Aof): boolean {
  const { core, rewrite } = aof;
  if (core.snapshots.active === null && core.inExec) {
    // Other commands of the transaction are still to come, and the base must not fall between them.
    rewrite.scheduled = true;
    core.log("notice", "AOF was enabled during a transaction. An AOF background was scheduled to start when possible.");
    return true;
  }
  if (rewrite.inProgress) {
    core.log(
      "warning",
      "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and starting a rewrite now.",
    );
    rewrite.cancel();
  }
  if (core.snapshots.active !== null) {
    rewrite.scheduled = true;
    core.log(
      "warning",
      "AOF was enabled but there is already another background operation. An AOF background was scheduled to start when possible.",
    );
    return true;
  }
  if (rewrite.begin()) return true;
  core.log(
    "warning",
    "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check the above logs for more info about the error.",
  );
  return false;
}
