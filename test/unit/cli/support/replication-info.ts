import type { ReplicationInfo } from "../../../../src/protocol/replication-info.js";

/** What a healthy master says of itself, but for what is given. */
export function replicationInfo(over: Partial<ReplicationInfo> = {}): ReplicationInfo {
  return {
    role: "master",
    replid: "h1",
    replid2: null,
    secondReplOffset: -1,
    offset: 100_000,
    backlogActive: true,
    backlogFirstByte: 1,
    backlogLength: 100_000,
    masterHost: null,
    masterPort: null,
    linkUp: true,
    syncInProgress: false,
    lastIoS: null,
    linkDownSinceS: null,
    priority: 100,
    announced: true,
    failoverState: "no-failover",
    goodReplicas: null,
    replicas: [],
    ...over,
  };
}
