import type { NodeConnection } from "../connection/node-connection.js";
import { CutOffError } from "../errors.js";
import type { Operation } from "./operation.js";

/** From so many lost connections on, a command goes alone: it may be what the server closes them for. */
const SUSPECT_AFTER = 2;
/** After so many it fails: with nothing beside it, two of them were closed for it and nothing else. */
const MOST_CUT_OFFS = 4;

/** The operation that stands for its unit. */
export function leadOf(operation: Operation): Operation {
  return operation.transaction?.exec ?? operation;
}

/**
 * Notes that a connection ended before the answer. A server closes one without a word when a reply outgrows its output
 * buffer limit (client-output-buffer-limit), and would do so at every further try, taking all else on that connection
 * with it. What ended here, or was never sent, is no sign of that.
 *
 * @returns true once it has happened too often
 */
export function cutOff(operation: Operation, connection: NodeConnection): boolean {
  const lead = leadOf(operation);
  if (connection.endedByPeer && connection.wasSent(lead)) lead.cutOffs++;
  return lead.cutOffs >= MOST_CUT_OFFS;
}

/** What such a read ends with. */
export function cutOffError(operation: Operation): Error {
  return new CutOffError(leadOf(operation).cutOffs, { node: operation.connection?.node, command: operation.name });
}

/** Whether it is to be sent with nothing beside it. */
export function isSuspect(operation: Operation): boolean {
  return leadOf(operation).cutOffs >= SUSPECT_AFTER;
}

/** Reads that lost several connections, sent to the replicas one after the other, so that the one to blame is found. */
export class Suspects {
  readonly #waiting: (readonly Operation[])[] = [];
  #sent: Operation | null = null;
  readonly #watched = new WeakSet<Operation>();

  /** @param submit sends a unit as any other */
  constructor(private readonly submit: (operations: readonly Operation[]) => void) {}

  /** Of one unit that {@link isSuspect}; again, after each loss. */
  add(operations: readonly Operation[]): void {
    const lead = leadOf(operations[operations.length - 1] as Operation);
    if (this.#sent === lead) this.#sent = null;
    this.#watch(lead);
    this.#waiting.push(operations);
    this.#next();
  }

  /** Ends those that wait. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const operations of this.#waiting.splice(0))
      for (const operation of operations) operation.fail(error(operation));
  }

  /** However it ends, by its reply, its deadline or for good: the next one goes. */
  #watch(lead: Operation): void {
    if (this.#watched.has(lead)) return;
    this.#watched.add(lead);
    const former = lead.onSettled;
    lead.onSettled = () => {
      former?.();
      if (this.#sent === lead) this.#sent = null;
      this.#next();
    };
  }

  #next(): void {
    while (this.#sent === null) {
      const operations = this.#waiting.shift();
      if (operations === undefined) return;
      const lead = leadOf(operations[operations.length - 1] as Operation);
      if (operations.every(({ settled }) => settled)) continue;
      this.#sent = lead;
      this.submit(operations);
    }
  }
}
