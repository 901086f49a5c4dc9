import type { Operation } from "../../checker/history.js";

/** Of a single command, of which a refusal says that it was not applied. */
export function outcomeOfOne(error: Error & { code?: string; sent?: string }): Operation["outcome"] {
  return /^(READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS) /.test(error.message) ? "fail" : outcomeOf(error);
}

/** Of a transaction, or of a read. */
export function outcomeOf(error: Error & { code?: string; sent?: string }): Operation["outcome"] {
  if (error.code === "IOREPLICA_WRITES_LOST") return "told";
  // Not sent, or discarded as a whole. After a refused MULTI the commands behind it ran one by one.
  return error.sent === "no" || error.message.startsWith("EXECABORT") ? "fail" : "info";
}
