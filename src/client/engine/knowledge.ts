import type { Clock } from "../../core/clock.js";
import type { Fence } from "../../protocol/info.js";
import type { Flush, NodeConnection } from "../connection/node-connection.js";
import { type FenceVerdict, judgeFence } from "../consistency/fence-check.js";
import { LinkTable } from "../consistency/history.js";
import { KeyLedger } from "../consistency/key-ledger.js";
import { Samples } from "../consistency/samples.js";
import type { Histories } from "../consistency/session.js";
import { type LossReport, WriteHistory } from "../consistency/write-history.js";
import type { PollInput } from "../topology/input.js";
import type { NodeTags } from "../types.js";
import type { LiveFacts } from "./describe.js";
import type { NodeLink } from "./node-link.js";
import type { Adoption, Farewell } from "./succession.js";

const NO_TAGS: NodeTags = Object.freeze({});

/** What a fence proved of the reads in front of it. */
export interface FenceProof {
  readonly verdict: FenceVerdict;
  /** What its node was known to have applied when those reads were sent, at the least. */
  readonly seen: number;
}

/** The part of an INFO that tells where a master's history comes from. */
export interface MasterLineage {
  readonly role: "master" | "replica";
  readonly replid: string;
  /** Null where there is none. */
  readonly replid2: string | null;
  readonly secondReplOffset: number;
}

/**
 * What the client knows of who has applied what: the adopted history, the master's offset over time, each
 * replica's mark, and the keys that this client wrote. Fed by fences and polls; it sends nothing.
 */
export class Knowledge implements Histories {
  readonly ledger: KeyLedger;
  readonly samples: Samples;
  readonly #writes = new WriteHistory();
  readonly #lineage = new LinkTable();
  #sequence = 0;
  #history: { readonly node: string; readonly replid: string } | null = null;
  #masterOffset = -1;

  constructor(
    limits: { readonly trackedKeys: number; readonly samples: number },
    private readonly links: ReadonlyMap<string, NodeLink>,
    private readonly clock: Clock,
    /** Whether that replid is the history of the one master, and no other claims to be. */
    private readonly reigns: (replid: string) => boolean,
  ) {
    this.ledger = new KeyLedger({ trackedKeys: limits.trackedKeys, history: this.#writes });
    this.samples = new Samples(limits.samples);
  }

  /** The history that reads are judged by: the adopted one, once the step to it is complete. */
  get history(): { readonly node: string; readonly replid: string } | null {
    return this.#history;
  }

  get replid(): string | null {
    return this.#history?.replid ?? null;
  }

  get decided(): boolean {
    return this.#history !== null && this.reigns(this.#history.replid);
  }

  forkOf(from: string): number | null {
    return this.#history === null ? null : this.#lineage.forkOf(from, this.#history.replid);
  }

  branchOf(from: string): number | null {
    return this.#history === null ? null : this.#lineage.branchOf(from, this.#history.replid);
  }

  wasLeft(from: string): boolean {
    return this.#lineage.wasLeft(from);
  }

  /**
   * What a master says of the history that its own came of. Only the node that made the link tells it right, and only
   * while it is master: replicas show their own forks.
   */
  descends({ role, replid, replid2, secondReplOffset }: MasterLineage): void {
    if (role === "master" && replid2 !== null && secondReplOffset >= 0)
      this.#lineage.add({ from: replid2, to: replid, at: secondReplOffset });
  }

  /** The adopted master's newest known offset; -1 = unknown. */
  get masterOffset(): number {
    return this.#masterOffset;
  }

  /** Gives a fence that is about to be sent its place in the order; one on the lane's connection resolves writes. */
  fenceSending(flush: Flush, onLane: boolean): void {
    flush.ticket = ++this.#sequence;
    if (onLane) flush.ledgerTicket = this.ledger.fenceSent();
  }

  /** Judges a fence by what was known, and learns from it. Null while no history is adopted. */
  judge(link: NodeLink, connection: NodeConnection, fence: Fence, flush: Flush): FenceProof | null {
    const history = this.#history;
    if (history === null) return null;
    const isMaster = history.node === link.id;
    const { mark } = link;
    const known = mark.replid === history.replid;
    const seen = known ? mark.offset : -1;
    const verdict = judgeFence(fence, {
      role: isMaster ? "master" : "replica",
      replid: history.replid,
      offset: seen,
      backlogFirstByte: known ? mark.backlogFirstByte : -1,
    });
    const change = mark.learn({
      fence,
      generation: connection.generation,
      runId: connection.identity?.runId ?? "",
      seq: flush.ticket,
      sentAt: flush.sentAt,
    });
    if (change === "restarted" || change === "void") link.inRotation = false;
    return { verdict, seen: isMaster ? Number.POSITIVE_INFINITY : seen };
  }

  /** The adopted master was at `offset` behind that flush. `uncontested`: nobody else claims its office. */
  masterAt(offset: number, flush: Flush, uncontested: boolean): void {
    this.#masterOffset = Math.max(this.#masterOffset, offset);
    if (uncontested) this.samples.push(flush.sentAt, offset);
    // Whatever of unknown outcome an earlier connection left was killed in the greeting of this one.
    this.ledger.fenceReplied(flush.ledgerTicket, offset, { unknownSettled: true });
    for (const link of this.links.values()) {
      if (!link.isMaster && link.serves) link.likelyOffset = this.#likely(link);
    }
  }

  /** A poll of the adopted master, in the history that is adopted; nobody else claims its office. */
  masterPolled({ info, sentAt }: PollInput): void {
    this.#masterOffset = Math.max(this.#masterOffset, info.offset);
    this.samples.push(sentAt, info.offset);
  }

  /** A replica had applied `offset` when asked at `sentAt`. Returns true if it enters the rotation by it. */
  replicaAt(link: NodeLink, offset: number, sentAt: number): boolean {
    const behind = this.samples.stalenessOf(offset, sentAt);
    if (behind !== null) link.lagMs += (behind - link.lagMs) / 8;
    if (link.inRotation || !this.mayEnter(link)) return false;
    link.inRotation = true;
    return true;
  }

  /** Has this replica all that was forgotten because every replica had it? */
  mayEnter({ mark }: NodeLink): boolean {
    return mark.valid && mark.replid === this.#history?.replid && mark.offset >= this.ledger.droppedFloor;
  }

  /** A poll of a replica of the adopted history. */
  replicaPolled(link: NodeLink, connection: NodeConnection, { info, runId, sentAt }: PollInput): void {
    const { mark } = link;
    // A fence that was sent later has said more already.
    if (mark.valid && sentAt < mark.at) return;
    if (!mark.valid) {
      // Better than nothing, and no read relies on a fence that was sent before it.
      mark.learn({
        fence: info,
        generation: connection.generation,
        runId: runId ?? "",
        seq: this.#sequence + 0.5,
        sentAt,
      });
      return;
    }
    // Two connections: which of poll and fence the server saw first can't be told by which was answered first, and a
    // fence that is on its way would look like a rollback. The data connection itself shall say.
    connection.requestFence();
  }

  /** Forgets what every replica has applied. */
  sweep(): void {
    let rotation = Number.POSITIVE_INFINITY;
    let all = Number.POSITIVE_INFINITY;
    for (const { isMaster, mark, inRotation } of this.links.values()) {
      if (isMaster) continue;
      const offset = mark.replid === this.#history?.replid ? mark.offset : -1;
      all = Math.min(all, offset);
      if (inRotation) rotation = Math.min(rotation, offset);
    }
    if (Number.isFinite(rotation)) this.ledger.sweep(rotation);
    if (Number.isFinite(all)) this.#writes.forget(all);
  }

  /**
   * Goes over to another master or history and carries over what is known. `farewell`: how far the former master
   * came; `offset`: where the new one stands, null = unknown. Returns what the former history lost, null if nothing.
   */
  enter({ replid, node, link }: Adoption, farewell: Farewell | null, offset: number | null): LossReport | null {
    if (farewell) this.ledger.fenceReplied(this.ledger.fenceSent(), farewell.lastOffset);
    if (link !== null) this.#lineage.add(link);
    else if (this.#history !== null && this.#history.replid !== replid) this.#lineage.leave(this.#history.replid);
    const report = this.ledger.adopt(replid, link, offset);
    if (link === null) this.samples.reset();
    else this.samples.dropFrom(link.at);
    this.#masterOffset = offset ?? -1;
    this.#history = { node, replid };
    for (const one of this.links.values()) one.inRotation = false;
    return report;
  }

  /** What is known of a node beyond the topology. */
  facts(link: NodeLink | undefined): LiveFacts {
    const known = link?.mark.valid && link.mark.replid === this.#history?.replid ? link.mark.offset : null;
    const master = link?.isMaster === true;
    const newest = this.#masterOffset;
    return {
      inFlight: link?.inFlight ?? 0,
      zone: link?.zone ?? null,
      tags: link?.tags ?? NO_TAGS,
      circuit: link?.circuit.state ?? "closed",
      restReason: link?.restReason ?? "",
      latencyMs: link?.latencyMs ?? null,
      offset: master && newest >= 0 ? newest : known,
      lagBytes: master ? 0 : known === null || newest < 0 ? null : Math.max(0, newest - known),
      stalenessMs: master ? 0 : known === null ? null : this.samples.stalenessOf(known, this.clock.now()),
    };
  }

  /** What it has probably applied by now: what the master had as long ago as the replica usually is behind. */
  #likely(link: NodeLink): number {
    const offset = this.samples.offsetWithin(link.lagMs * 1.5 + 1, this.clock.now());
    return Number.isFinite(offset) ? offset : -1;
  }
}
