import type { NodeConnection } from "../connection/node-connection.js";
import { CutOffError } from "../errors.js";
import type { Loss, Losses } from "./losses.js";
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
 * with it. What ended here, or was never sent, is no sign of that; nor is a connection that ended with others.
 *
 * @returns true once it has happened too often, unless it turns out that the connections were closed for another reason
 */
export function cutOff(operation: Operation, connection: NodeConnection, losses: Losses): boolean {
  const lead = leadOf(operation);
  lead.losses = lead.losses.filter(({ verdict }) => verdict !== "shared");
  if (lead === operation && connection.endedByPeer && connection.wasSent(lead))
    lead.losses = [...lead.losses, losses.note(connection, lead.flush?.sentAt ?? Number.NEGATIVE_INFINITY)];
  return lead.losses.length >= MOST_CUT_OFFS;
}

/** Whether it is known that so many connections were closed alone under it that it must be for it. */
export function isCondemned(operation: Operation): boolean {
  return count(operation, (verdict) => verdict === "alone") >= MOST_CUT_OFFS;
}

/** What such a read ends with. */
export function cutOffError(operation: Operation): Error {
  return new CutOffError(MOST_CUT_OFFS, { node: operation.connection?.node, command: operation.name });
}

/** Whether it is to be sent with nothing beside it. */
export function isSuspect(operation: Operation): boolean {
  return count(operation, (verdict) => verdict !== "shared") >= SUSPECT_AFTER;
}

/** Of every command that goes to the master it is asked, and next to none has lost a connection. */
function count(operation: Operation, counts: (verdict: Loss["verdict"]) => boolean): number {
  let found = 0;
  for (const { verdict } of leadOf(operation).losses) if (counts(verdict)) found++;
  return found;
}

function unitOf(operation: Operation): readonly Operation[] {
  return operation.transaction?.operations ?? [operation];
}

/** Reads that lost several connections, sent to the replicas one after the other, so that the one to blame is found. */
export class Suspects {
  readonly #waiting: (readonly Operation[])[] = [];
  #sent: Operation | null = null;
  readonly #watched = new WeakSet<Operation>();
  readonly #onTrial = new Set<Operation>();

  /**
   * @param submit sends a unit as any other
   * @param again sends one again that connections were not closed for
   */
  constructor(
    private readonly losses: Losses,
    private readonly submit: (operations: readonly Operation[]) => void,
    private readonly again: (operation: Operation) => void,
  ) {}

  /** Of one unit that {@link isSuspect}; again, after each loss. */
  add(operations: readonly Operation[]): void {
    const lead = leadOf(operations[operations.length - 1] as Operation);
    if (this.#sent === lead) this.#sent = null;
    this.#watch(lead);
    this.#waiting.push(operations);
    this.#next();
  }

  /** Of one that lost too many connections: fails it once it is known that they were closed for it, else it goes again. */
  judge(operation: Operation): void {
    if (operation !== leadOf(operation)) return;
    this.#onTrial.add(operation);
    this.losses.whenJudged(operation.losses, () => {
      if (!this.#onTrial.delete(operation)) return;
      if (!isCondemned(operation)) this.again(operation);
      else for (const one of unitOf(operation)) one.fail(cutOffError(one));
    });
  }

  /** Ends those that wait. */
  rejectAll(error: (operation: Operation) => Error): void {
    for (const lead of this.#onTrial) for (const operation of unitOf(lead)) operation.fail(error(operation));
    this.#onTrial.clear();
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
