import type { Clock } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import type { Target } from "../connection/address.js";
import type { ConnectionHost, NodeConnection } from "../connection/node-connection.js";
import { labelsOf } from "../options/resolve.js";
import type { ResolvedOptions } from "../options/resolved.js";
import type { CommandTable } from "../routing/command-table.js";
import type { TopologyChange } from "../types.js";
import type { Connections } from "./connections.js";
import { circuitChange } from "./describe.js";
import { type LinkHost, NodeLink } from "./node-link.js";

/** Whoever routes over the links. */
export interface LinksHost extends Pick<ConnectionHost, "wantsFence" | "fenceSending" | "fenced"> {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly connections: Connections;
  /** Learns of the first server that can be asked what its commands are. */
  readonly table: CommandTable;
  /** A generation is open. */
  opened(): void;
  /** None could be opened; it is tried again. */
  openFailed(node: string): void;
  /** A generation that was open has ended. */
  lost(node: string): void;
  emit(change: TopologyChange): void;
}

/** The links to all nodes: one for each that the topology has. */
export class Links {
  readonly all = new Map<string, NodeLink>();
  readonly #linkHost: LinkHost;
  #tableKnown = false;

  constructor(private readonly host: LinksHost) {
    this.#linkHost = {
      isLone: () => this.isLone(),
      wantsFence: (connection) => host.wantsFence(connection),
      fenceSending: (connection, flush) => host.fenceSending(connection, flush),
      fenced: (connection, fence, flush) => host.fenced(connection, fence, flush),
      closed: (connection) => this.#closed(connection),
      wantsCommands: () => !this.#tableKnown,
      opened: (link, connection) => this.#opened(link, connection),
      circuitChanged: (link, from) => host.emit(circuitChange(link, from)),
      openFailed: (link) => host.openFailed(link.id),
    };
  }

  /** Every node was connected to, or could not be. */
  get tried(): boolean {
    return [...this.all.values()].every((link) => link.tried);
  }

  /** Opens a link to a node, unless there is one. */
  add(target: Target): void {
    const { node, name } = target;
    if (this.all.has(node)) return;
    const { options, clock, random, connections } = this.host;
    const labels = labelsOf(options, name ?? node);
    const { circuit, limits } = options;
    const most = limits.inFlightBytesPerNode;
    const link = new NodeLink(target, connections, this.#linkHost, clock, random, labels, circuit, most);
    this.all.set(node, link);
    link.ensure();
  }

  /** Ends the link to a node for good, if there is one. */
  remove(node: string): void {
    const link = this.all.get(node);
    this.all.delete(node);
    if (link !== undefined) end(link, "the node was removed");
  }

  /** Ends all of them. */
  stop(): void {
    for (const link of this.all.values()) end(link, "the client is closed");
  }

  /** Nothing but one command is under way. */
  isLone(): boolean {
    let inFlight = 0;
    for (const link of this.all.values()) inFlight += link.inFlight;
    return inFlight <= 1;
  }

  /** Fences to the master and all replicas: what they have applied is to be known as of now. */
  refreshMarks(): void {
    for (const link of this.all.values()) {
      if (link.serves || link.isMaster) link.connection?.requestFence();
    }
  }

  #opened(link: NodeLink, connection: NodeConnection): void {
    const commands = connection.identity?.commands;
    if (commands && !this.#tableKnown) {
      this.#tableKnown = true;
      this.host.table.override(commands);
    }
    link.mark.void();
    // A first fence: nothing is known of this generation until it comes back.
    connection.requestFence();
    this.host.opened();
  }

  #closed(connection: NodeConnection): void {
    const link = this.all.get(connection.node);
    if (link === undefined) return;
    const wasOpen = link.connection === connection;
    link.ended(connection, connection.unansweredWrites);
    link.mark.void();
    link.serves = false;
    link.inRotation = false;
    if (wasOpen) this.host.lost(link.id);
  }
}

function end(link: NodeLink, reason: string): void {
  link.serves = false;
  link.stop(reason);
}
