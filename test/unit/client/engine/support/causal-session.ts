import { CausalSession } from "../../../../../src/client/consistency/session.js";

/** A causal session that has seen nothing yet, of a history that stays what it is. */
export function causalSession(replid = "h"): CausalSession {
  return new CausalSession(
    { replid, forkOf: () => null, branchOf: () => null, wasLeft: () => false, decided: true },
    { following: 0, limit: 10 },
  );
}
