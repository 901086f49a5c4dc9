import type { Clock } from "../../core/clock.js";
import type { NodeConnection } from "../connection/node-connection.js";
import type { TopologyInput } from "../topology/input.js";

/**
 * Why a connection ended that the server closed: `alone`, while another one to that node lived on, so that what it
 * carried may be to blame; or `shared`, with others or with the server. `open` until the node has answered, or failed to.
 */
export type LossVerdict = "open" | "alone" | "shared";

/** One connection that ended while a command waited for its answer. */
export interface Loss {
  readonly verdict: LossVerdict;
}

interface OpenLoss extends Loss {
  verdict: LossVerdict;
  readonly node: string;
  readonly at: number;
  /** The connection over which the node was asked before that command was sent. */
  readonly witness: number;
}

export interface LossesHost {
  readonly clock: Clock;
  /** Whether only data connections lead to the server that serves us at this address: there are no witnesses then. */
  isEndpoint(node: string): boolean;
  requestCheck(node: string): void;
}

/**
 * Tells a connection that was closed for what it carried from one of many: CLIENT KILL, a restart, a network that broke.
 * The witness is the connection that the node's polls go over. It has answered before the command was sent, and if it
 * answers a question asked after the loss, the server was there all the time and has closed the other one alone.
 */
export class Losses {
  /** By node: the connection that its polls go over, and since when it is known to answer. */
  readonly #witnesses = new Map<string, { readonly generation: number; readonly since: number }>();
  #open: OpenLoss[] = [];
  /** One for all commands that were under way on a connection. */
  readonly #noted = new WeakMap<NodeConnection, Loss>();
  #waiting: { readonly losses: readonly Loss[]; readonly then: () => void }[] = [];

  constructor(private readonly host: LossesHost) {}

  /** @param sentAt when the command was handed to the socket, in monotonic milliseconds */
  note(connection: NodeConnection, sentAt: number): Loss {
    const { node } = connection;
    if (this.host.isEndpoint(node)) return { verdict: "alone" };
    const witness = this.#witnesses.get(node);
    if (witness === undefined || witness.since > sentAt) return { verdict: "shared" };
    const noted = this.#noted.get(connection);
    if (noted !== undefined) return noted;
    const at = this.host.clock.now();
    const loss: OpenLoss = { verdict: "open", node, at, witness: witness.generation };
    this.#noted.set(connection, loss);
    this.#open.push(loss);
    this.host.requestCheck(node);
    return loss;
  }

  /** Calls `then` once it is known of all these what they were: at once, or when their nodes have been asked. */
  whenJudged(losses: readonly Loss[], then: () => void): void {
    if (losses.some(isOpen)) this.#waiting.push({ losses, then });
    else then();
  }

  /** A poll has come to an end. */
  polled(input: Extract<TopologyInput, { type: "poll" | "pollFailed" }>): void {
    const { node, generation } = input;
    const answered = input.type === "poll" || input.kind === "busy";
    this.#judge((loss) =>
      loss.node !== node || (answered && input.sentAt < loss.at)
        ? "open"
        : answered && generation === loss.witness
          ? "alone"
          : "shared",
    );
    if (answered && this.#witnesses.get(node)?.generation !== generation)
      this.#witnesses.set(node, { generation, since: input.at });
  }

  /** Nobody asks this node any more. */
  removed(node: string): void {
    this.#witnesses.delete(node);
    this.#judge((loss) => (loss.node === node ? "shared" : "open"));
  }

  #judge(verdict: (loss: OpenLoss) => LossVerdict): void {
    if (this.#open.length === 0) return;
    for (const loss of this.#open) loss.verdict = verdict(loss);
    this.#open = this.#open.filter(isOpen);
    const judged = this.#waiting.filter(({ losses }) => !losses.some(isOpen));
    this.#waiting = this.#waiting.filter(({ losses }) => losses.some(isOpen));
    for (const { then } of judged) then();
  }
}

function isOpen({ verdict }: Loss): boolean {
  return verdict === "open";
}
