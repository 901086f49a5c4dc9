import type { Clock } from "../../core/clock.js";
import { AbortedError, TimeoutError } from "../errors.js";
import type { Operation } from "./operation.js";
import { sentOf } from "./own-operations.js";

function waitsAtReplica({ spec, inLane, flush }: Operation): boolean {
  return spec.intent === "read" && !inLane && flush !== null;
}

/** Rejects the operation when its time is up or its signal is aborted; what the server does is another matter. */
export function limit(operation: Operation, clock: Clock, timeoutMs: number | null, signal: AbortSignal | null): void {
  const place = { command: operation.name };
  const timer =
    timeoutMs === null
      ? null
      : clock.setTimer(
          () => {
            if (waitsAtReplica(operation)) operation.connection?.circuit?.failed("a deadline");
            operation.fail(new TimeoutError(timeoutMs, { ...place, sent: sentOf(operation) }));
          },
          timeoutMs,
          true,
        );
  const abort = (): void =>
    operation.fail(new AbortedError({ ...place, sent: sentOf(operation), cause: signal?.reason }));
  operation.onSettled = () => {
    clock.clearTimer(timer);
    signal?.removeEventListener("abort", abort);
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener("abort", abort, { once: true });
}
