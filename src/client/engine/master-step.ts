import type { Clock } from "../../core/clock.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { UnknownOutcomeError } from "../errors.js";
import type { TopologyState } from "../topology/state.js";
import type { TopologyChange } from "../types.js";
import type { Knowledge } from "./knowledge.js";
import type { Operation } from "./operation.js";
import { type Adoption, commonBelow, type Farewell, Handover, LastWord } from "./succession.js";
import type { WriteLane } from "./write-lane.js";

/** How long a former master is given to say how far it came, in milliseconds; a live one takes one round trip. */
const FAREWELL_MS = 100;

/** What the step between two masters needs of whoever owns it. */
export interface StepHost {
  readonly clock: Clock;
  readonly knowledge: Knowledge;
  readonly lane: WriteLane;
  topology(): TopologyState;
  emit(change: TopologyChange): void;
  /** The step is complete: the lane may open. */
  entered(): void;
}

/**
 * The step from one master, or one history, to the next: the lane is closed, the former master is asked how far it came,
 * what is known is carried over, and what was lost is told before anything of the new history reaches a caller.
 */
export class MasterStep {
  #handover: Handover | null = null;
  readonly #lastWord = new LastWord();

  constructor(private readonly host: StepHost) {}

  /** Begun and not complete. */
  get underWay(): boolean {
    return this.#handover !== null;
  }

  /** Below it lies what `session` reads may return: see {@link commonBelow}. */
  get sharedBelow(): number {
    return commonBelow(this.host.topology().hold, this.#handover?.adoption ?? null);
  }

  /** It refused to be written to: what it says of itself is asked for before it is needed. */
  refusedBy(connection: NodeConnection): void {
    this.#lastWord.ask(connection);
  }

  begin(adoption: Adoption): void {
    const { knowledge, lane, clock } = this.host;
    lane.close();
    this.#handover?.cancel();
    const former = lane.connection;
    const { history } = knowledge;
    const same = history === null || (history.node === adoption.node && former?.node === adoption.node);
    // What another one acknowledges from here on the new one may lack; it is known once that one has said how far it came.
    if (former !== null && former.node !== adoption.node) lane.park(true);
    const handover = new Handover(adoption, clock, (farewell) => this.#enter(adoption, farewell, former));
    this.#handover = handover;
    handover.begin(same ? null : former, FAREWELL_MS, this.#lastWord.of(former));
  }

  /** Leaves no timer. */
  cancel(): void {
    this.#handover?.cancel();
  }

  #enter(adoption: Adoption, farewell: Farewell | null, former: NodeConnection | null): void {
    const { from, node } = adoption;
    const { knowledge, lane } = this.host;
    if (farewell) lane.park(false);
    else if (former !== null && former.node !== node) {
      lane.surrender(lostOffice);
      if (former.state === "open" && former.inFlight > 0) former.destroy("the node is not the master any more");
    }
    const { info = null, replicaSeen = null } = this.host.topology().nodes.get(node) ?? {};
    // What the former one said once this one may have been promoted says nothing of what this one took on.
    if (knowledge.history?.node !== node) knowledge.samples.dropAfter(replicaSeen?.sentAt ?? Number.NEGATIVE_INFINITY);
    const report = knowledge.enter(adoption, farewell, info?.offset ?? null);
    if (info !== null) knowledge.descends(info);
    // Only now may the lane open: giving up what was parked has made it idle, and what waits in it belongs to the
    // history that was just entered.
    this.#handover = null;
    if (report !== null && from !== null) {
      const { lost, ...rest } = report;
      this.host.emit({ type: "writesLost", replid: from, count: lost, ...rest });
    }
    this.host.entered();
  }
}

/** Answered by a node that was the master, of which that is not certain any more. */
export function lostOffice(operation: Operation): Error {
  return new UnknownOutcomeError("it is not certain that its node was still the master when it answered", {
    node: operation.connection?.node,
    command: operation.name,
  });
}
