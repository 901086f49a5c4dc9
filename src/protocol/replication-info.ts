/** `INFO replication` as data. Missing fields are null. Facts: docs/replication.md. */
export interface ReplicationInfo {
  readonly role: "master" | "replica";
  readonly replid: string;
  /** null where the server shows forty zeros. */
  readonly replid2: string | null;
  /** First offset that is *not* of replid2's history; -1 without one. */
  readonly secondReplOffset: number;
  /** On a master its own offset, on a replica the offset it has **applied** (`slave_repl_offset`). */
  readonly offset: number;
  readonly backlogActive: boolean;
  readonly backlogFirstByte: number;
  readonly backlogLength: number;
  readonly masterHost: string | null;
  readonly masterPort: number | null;
  readonly linkUp: boolean;
  readonly syncInProgress: boolean;
  /** Seconds since the master was last heard of; -1 = never, null on a master. An idle master speaks every 10 s. */
  readonly lastIoS?: number | null;
  /** Seconds; -1 = never linked; null while the link is up or on a master. */
  readonly linkDownSinceS: number | null;
  readonly priority: number | null;
  readonly announced: boolean;
  readonly failoverState: string | null;
  readonly goodReplicas: number | null;
  readonly replicas: readonly {
    readonly host: string;
    readonly port: number;
    readonly state: string;
    readonly offset: number;
    readonly lagS: number;
  }[];
}
