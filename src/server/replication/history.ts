/**
 * Which history a server's data belongs to. Values only; each function is one event of a server's life
 * and returns what the history is afterwards.
 */
export interface History {
  /** 40 hex digits. */
  readonly replid: string;
  /** The history this one descends from; null = none known. */
  readonly replid2: string | null;
  /** First offset that is not of replid2's history; -1 without one. */
  readonly secondReplOffset: number;
  /** Bytes of replication stream so far (a replica: applied). */
  readonly offset: number;
}

/** A server that has just started. */
export function freshHistory(replid: string): History {
  return { replid, replid2: null, secondReplOffset: -1, offset: 0 };
}

/** The first replica attaches where no backlog was: nothing was counted before, so the past can't be named. */
export function restarted(history: History, replid: string): History {
  return { replid, replid2: null, secondReplOffset: -1, offset: history.offset };
}

/** A replica becomes master: what it has is of the old history, what it will write is of a new one. */
export function promoted(history: History, replid: string): History {
  return { replid, replid2: history.replid, secondReplOffset: history.offset + 1, offset: history.offset };
}

/** `+CONTINUE <replid>`: the master changed its history while it was this server's. */
export function continued(history: History, replid: string | null): History {
  if (replid === null || replid === history.replid) return history;
  return { replid, replid2: history.replid, secondReplOffset: history.offset + 1, offset: history.offset };
}

/** A full resync: the master's history, from its offset on. */
export function adopted(replid: string, offset: number): History {
  return { replid, replid2: null, secondReplOffset: -1, offset };
}
