/** A replica as a failover weighs it. */
export interface Candidate {
  readonly host: string;
  readonly port: number;
  /** replica-priority; 0 = never. */
  readonly priority: number;
  readonly offset: number;
  readonly runId: string;
  readonly isDown: boolean;
  /** Milliseconds since its last INFO; infinite without one. */
  readonly infoAgeMs: number;
  /** Milliseconds without a link to the master. */
  readonly linkDownMs: number;
}

/** What replicas must come up to. */
export interface ChooseLimits {
  readonly infoAgeMs: number;
  readonly linkDownMs: number;
}

/** The replica to promote: of those that are well the one of lowest priority, then of most data, then of lowest run id. */
export function chooseReplica<T extends Candidate>(candidates: readonly T[], limits: ChooseLimits): T | null {
  const fit = candidates.filter(
    (one) =>
      !one.isDown && one.priority > 0 && one.infoAgeMs <= limits.infoAgeMs && one.linkDownMs <= limits.linkDownMs,
  );
  const [first = null] = fit.sort(
    (a, b) => a.priority - b.priority || b.offset - a.offset || (a.runId < b.runId ? -1 : a.runId > b.runId ? 1 : 0),
  );
  return first;
}
