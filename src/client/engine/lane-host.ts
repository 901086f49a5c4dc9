import type { Clock } from "../../core/clock.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { NodeConnection } from "../connection/node-connection.js";
import type { Losses } from "./losses.js";
import type { Operation } from "./operation.js";

/** What the write lane asks of whoever owns it. */
export interface LaneHost {
  readonly clock: Clock;
  readonly losses: Losses;
  readonly limits: {
    readonly queuedCommands: number;
    readonly queuedBytes: number;
    readonly inFlightBytesPerNode: number;
  };
  /** How long a command may wait for a master, in milliseconds. */
  readonly waitMs: number;
  /** A write was answered, which is its acknowledgement, errors included. `false` = EXEC said that nothing was applied. */
  acknowledged(operation: Operation, applied: boolean): void;
  /** The server has provably not applied it; it will be sent again. */
  refused(operation: Operation, refusal: Refusal, connection: NodeConnection): void;
  /** It ends without having been applied. */
  abandoned(operation: Operation): void;
  /** It was handed to a socket and not answered. Returns the error for the caller. */
  unknown(operation: Operation, connection: NodeConnection): Error;
  /** It was answered by a node of which it was not decided in time whether it is the master. Returns the error for the caller. */
  undecided(operation: Operation): Error;
  /** It is about to be sent after it had waited: ends it if its session must be told of a loss first. */
  admit(operation: Operation): void;
  /** Why it is not worth waiting for a master; null = it is. */
  hopeless(): Error | null;
  /** It waited too long. Returns the error for the caller. */
  timedOut(operation: Operation): Error;
  /** A definite error reply; returns what the caller gets. */
  replyError(operation: Operation, error: Error): Error;
  /** Do two writes touch the same key? */
  overlap(a: Operation, b: Operation): boolean;
  /** The write asks for replicas: `succeed` is called when they have it. */
  durable(operation: Operation, reply: unknown, succeed: () => void): void;
  /** All that was sent is answered and the lane is closed: it may be opened again. */
  drained(): void;
  /** The master was not heard of for too long to be written to unasked. */
  stale(): void;
}
