import type { SeedNode } from "../options/resolved.js";
import { writableMaster } from "../topology/reduce.js";
import type { TopologyState } from "../topology/state.js";

/** How often a name is looked behind anew while there is no master, in milliseconds. */
const LOOK_AGAIN_MS = 500;

/**
 * Names that stand for an office rather than for a server, as the primary endpoint of a managed service does: after a
 * failover they lead to another server, while connections to the former one stay open and say "replica" for ever. Only a
 * new connection can tell. Any seed may be such a name, save those that were given as replicas.
 */
export class OfficeNames {
  readonly #lookedAt = new Map<string, number>();

  constructor(seeds: readonly Pick<SeedNode, "id" | "role">[]) {
    for (const { id, role } of seeds) if (role !== "replica") this.#lookedAt.set(id, Number.NEGATIVE_INFINITY);
  }

  /**
   * Whether a new connection should be tried: nobody can be written to, and this node says that it is a replica, asked
   * since the trouble began. Before, it may just have been promoted, and will say so sooner than a connection is open.
   */
  mayLeadElsewhere(node: string, state: TopologyState, now: number): boolean {
    const lookedAt = this.#lookedAt.get(node);
    if (lookedAt === undefined || state.adopted === null || writableMaster(state) !== null) return false;
    const known = state.nodes.get(node);
    if (known?.info?.role !== "replica" || now - lookedAt < LOOK_AGAIN_MS) return false;
    const { troubledAt } = state.nodes.get(state.adopted.node) ?? { troubledAt: null };
    if (known.goodSentAt <= (troubledAt ?? Number.NEGATIVE_INFINITY)) return false;
    this.#lookedAt.set(node, now);
    return true;
  }
}
