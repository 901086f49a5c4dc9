import type { RunOptions } from "./run.js";

/**
 * A promotion that nobody decides for long: the old master lives, one client that can't reach the new one goes on writing
 * to it, and the other replica, which is late, gets that too before it moves.
 */
export const undecided: RunOptions = {
  client: { arbitrationMs: 1800 },
  mix: "readers",
  office: "reads",
  plan: [
    { at: 100, do: "lag", server: 2, lagMs: 120, forMs: 1900 },
    { at: 490, do: "cut", from: "10.0.1.1", to: "10.0.0.2", both: true, forMs: 500 },
    { at: 500, do: "promote", forMs: 1400, othersAfterMs: 1300 },
  ],
};
