import type { Clock } from "../../core/clock.js";
import type { ResolvedOptions } from "../options/resolved.js";
import type { Selector } from "../routing/selector.js";
import { serves, unrivalledUntil, writableMaster } from "../topology/describe.js";
import type { Knowledge } from "./knowledge.js";
import type { LaneKeeper } from "./lane-keeper.js";
import type { Links } from "./links.js";
import type { MasterStep } from "./master-step.js";
import type { NodeLink } from "./node-link.js";
import type { Reader } from "./reader.js";
import type { Surveyor } from "./surveyor.js";
import type { WriteLane } from "./write-lane.js";

/** What is brought into line, and by what. */
export interface RollCallHost {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly surveyor: Surveyor;
  readonly knowledge: Knowledge;
  readonly links: Links;
  readonly step: MasterStep;
  readonly selector: Selector<NodeLink>;
  readonly keeper: LaneKeeper;
  readonly lane: WriteLane;
  readonly reader: Reader;
  /** Commands flow, or have stopped flowing. */
  readiness(ready: boolean): void;
}

/** Brings links, selection, the lane and readiness into line with what the topology says. */
export class RollCall {
  /** There was a master, and every node had been connected to or could not be. */
  begun = false;
  /** Commands flow: a verified master (with `readFrom: "replica"`: an eligible replica). */
  ready = false;

  constructor(private readonly host: RollCallHost) {}

  /** To be taken whenever something of it has changed. */
  take(): void {
    const { clock, surveyor, knowledge, links, step, selector, keeper, reader } = this.host;
    const { state } = surveyor;
    if (state.hold !== null) knowledge.samples.dropAfter(unrivalledUntil(state));
    const writable = step.underWay ? null : writableMaster(state, clock.now());
    for (const link of links.all.values()) this.#place(link, writable);
    // Once: a node that is found later and hangs has nothing to do with what waits.
    this.begun ||= knowledge.history !== null && links.tried;
    selector.refresh([...links.all.values()]);
    const office = writable === null ? undefined : links.all.get(writable);
    const connection = office?.serves ? office.connection : null;
    keeper.keep(state, writable, connection, surveyor.fatal);
    this.#becomes(this.#flows());
    if (reader.held > 0) reader.retryHeld();
    reader.retryUndecided();
  }

  /** Nothing flows any more. */
  stop(): void {
    this.#becomes(false);
  }

  #place(link: NodeLink, writable: string | null): void {
    const { surveyor, knowledge } = this.host;
    const { state } = surveyor;
    const isMaster = knowledge.history?.node === link.id;
    if (isMaster && !link.isMaster) link.forgive();
    link.isMaster = isMaster;
    const open = link.connection?.state === "open" && link.meets(state.nodes.get(link.id)?.runId ?? null);
    if (isMaster) link.serves = open && writable === link.id;
    // While there is no master the data gets no fresher anywhere: a replica whose link is down is as good as any.
    else link.serves = open && serves(state, link.id, writable === null);
    if (!isMaster) link.inRotation = link.serves && (link.inRotation || knowledge.mayEnter(link));
  }

  #flows(): boolean {
    const { options, lane, links } = this.host;
    if (lane.isOpen || options.view.readFrom !== "replica") return lane.isOpen;
    return [...links.all.values()].some((link) => !link.isMaster && link.serves && link.inRotation);
  }

  #becomes(ready: boolean): void {
    if (ready === this.ready) return;
    this.ready = ready;
    this.host.readiness(ready);
  }
}
