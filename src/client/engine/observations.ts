import type { Fence } from "../../protocol/info.js";
import type { Refusal } from "../../protocol/reply-errors.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import type { RefusalKind, TopologyInput } from "../topology/input.js";
import type { AckWaiter } from "./ack-waiter.js";
import type { FreshLook } from "./fresh-look.js";
import type { Knowledge } from "./knowledge.js";
import type { LaneKeeper } from "./lane-keeper.js";
import type { Links } from "./links.js";
import type { Losses } from "./losses.js";
import type { MasterStep } from "./master-step.js";
import type { NodeLink } from "./node-link.js";
import type { Reader } from "./reader.js";
import type { Surveyor } from "./surveyor.js";

/** Who is told of it. */
export interface ObservationHost {
  readonly links: Links;
  readonly knowledge: Knowledge;
  readonly reader: Reader;
  readonly keeper: LaneKeeper;
  readonly acks: AckWaiter;
  readonly look: FreshLook;
  readonly losses: Losses;
  readonly step: MasterStep;
  readonly surveyor: Surveyor;
  /** A replica may serve now that might not before. */
  settled(): void;
}

/** What is made of what nodes show and say, in fences, polls and refusals, for all who go by it. */
export class Observations {
  constructor(private readonly host: ObservationHost) {}

  fenced(connection: NodeConnection, fence: Fence | null, flush: Flush): void {
    const { links, knowledge, reader } = this.host;
    const link = links.all.get(connection.node);
    const current = link?.connection === connection;
    const proof = fence && link && current ? knowledge.judge(link, connection, fence, flush) : null;
    if (!fence || !link || !proof) {
      reader.reroute(flush);
      return;
    }
    if (proof.verdict !== "ok") {
      if (proof.verdict !== "offset") link.serves = false;
      this.host.surveyor.requestCheck([link.id]);
      reader.reroute(flush);
      return;
    }
    if (knowledge.history?.node === link.id) this.#masterAt(fence.offset, flush);
    else if (knowledge.replicaAt(link, fence.offset, flush.sentAt)) this.host.settled();
    reader.release(flush, proof.seen, fence.offset);
    knowledge.sweep();
    reader.retryHeld();
    this.host.acks.check();
  }

  polled(input: Extract<TopologyInput, { type: "poll" | "pollFailed" }>): void {
    const { links, knowledge, keeper, look, losses } = this.host;
    losses.polled(input);
    look.polled(input.node, input.type === "poll" ? input.sentAt : input.at);
    const link = links.all.get(input.node);
    if (link === undefined) return;
    if (input.type === "pollFailed") {
      // A node that doesn't answer, over a connection of its own, won't answer here either: nothing waits for it any longer.
      if (input.kind === "timeout") link.drop("the node does not answer");
      return;
    }
    link.ensure();
    knowledge.descends(input.info);
    const { history } = knowledge;
    const { connection } = link;
    if (connection !== null && !link.meets(input.runId)) {
      // What was asked is another server than that which serves us at this address.
      if (input.generation > connection.generation) link.drop("its address leads to another server by now");
      this.host.surveyor.requestCheck([link.id]);
      return;
    }
    if (history === null || connection === null || input.info.replid !== history.replid) return;
    if (history.node !== link.id) knowledge.replicaPolled(link, connection, input);
    else if (input.info.role === "master" && !this.#undecided) {
      knowledge.masterPolled(input);
      keeper.trust(input.sentAt);
    }
  }

  /** A write was refused in a way that proves that it was not applied. */
  refused(refusal: Refusal, connection: NodeConnection): void {
    const { keeper, step, surveyor } = this.host;
    const kind = refusal.inner ?? refusal.kind;
    keeper.refused(kind);
    if (kind === "readonly") step.refusedBy(connection);
    if (isTopologyRefusal(kind)) surveyor.refused(connection.node, kind, refusal.redirect);
    else if (refusal.smellsOfFailover) surveyor.requestCheck([connection.node]);
  }

  /** A read was refused: nothing is read there until the node was asked. */
  doubt(link: NodeLink, refusal: string): void {
    const { surveyor } = this.host;
    link.serves = false;
    if (isTopologyRefusal(refusal)) surveyor.refused(link.id, refusal);
    else surveyor.requestCheck([link.id]);
  }

  /** Two claim to be master, or may. */
  get #undecided(): boolean {
    return this.host.surveyor.state.hold !== null;
  }

  #masterAt(offset: number, flush: Flush): void {
    const { knowledge, acks, keeper } = this.host;
    knowledge.masterAt(offset, flush, !this.#undecided);
    acks.masterAt(offset);
    keeper.trust(flush.sentAt);
  }
}

function isTopologyRefusal(kind: string): kind is RefusalKind {
  return kind === "readonly" || kind === "loading" || kind === "masterdown" || kind === "noreplicas" || kind === "busy";
}
