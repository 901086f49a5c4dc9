import { classifyRefusal, type Refusal } from "../../protocol/reply-errors.js";
import type { Operation } from "./operation.js";
import type { Transaction } from "./transaction.js";

/** Changes nothing, so it may be asked for as often as one likes. */
export function isRead({ spec }: Operation): boolean {
  return spec.intent === "read" || spec.intent === "pinned";
}

/** Commands of a transaction wait as one, though they were issued one after the other. */
export function issuedAt(operation: Operation): number {
  return (operation.transaction?.operations[0] ?? operation).issuedAt;
}

/** Why a transaction was discarded, if it was for a refusal: EXEC's own text, or that of a command at queueing. */
export function refusalOf(transaction: Transaction): Refusal | null {
  const error = transaction.exec.parkedError;
  if (error === null || !error.message.startsWith("EXECABORT")) return null;
  const own = classifyRefusal(error.message, "exec");
  if (own?.retry) return own;
  for (const operation of transaction.operations) {
    const queueing = operation === transaction.exec ? null : operation.parkedError;
    const refusal = queueing && classifyRefusal(queueing.message, operation.name);
    if (refusal?.retry) return refusal;
  }
  return null;
}
