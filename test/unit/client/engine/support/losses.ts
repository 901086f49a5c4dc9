import { Losses } from "../../../../../src/client/engine/losses.js";
import type { PollFailure } from "../../../../../src/client/topology/state.js";
import type { Clock } from "../../../../../src/core/clock.js";

type Ended = Parameters<Losses["polled"]>[0];

/** The judge of lost connections, with polls that end when the test says so. */
export function lossesOf(clock: Clock, endpoints: ReadonlySet<string> = new Set()) {
  const checked: string[] = [];
  const losses = new Losses({
    clock,
    isEndpoint: (node) => endpoints.has(node),
    requestCheck: (node) => void checked.push(node),
  });
  const ended = (rest: object): void => losses.polled({ at: clock.now(), seq: 1, ...rest } as unknown as Ended);
  return {
    losses,
    /** Nodes that were to be asked, in order. */
    checked,
    /** A poll of the node over that connection was answered. */
    answered: (node: string, generation: number, sentAt = clock.now()): void =>
      ended({ type: "poll", node, generation, sentAt }),
    failed: (node: string, generation: number, kind: PollFailure): void =>
      ended({ type: "pollFailed", node, generation, kind, reason: kind, sentAt: clock.now() }),
  };
}
