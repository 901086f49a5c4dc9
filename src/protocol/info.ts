import type { ReplicationInfo } from "./replication-info.js";

/** What a reply to `INFO replication` proves of the commands around it. */
export interface Fence {
  readonly role: "master" | "replica";
  readonly replid: string;
  /** Applied bytes: on a replica `slave_repl_offset`. */
  readonly offset: number;
  readonly replid2: string | null;
  readonly secondReplOffset: number;
  /** true on a master. */
  readonly linkUp: boolean;
  readonly syncInProgress: boolean;
  readonly backlogFirstByte: number;
  readonly backlogLength: number;
}

export interface ServerInfo {
  readonly runId: string | null;
  readonly mode: "standalone" | "cluster" | "sentinel";
  readonly version: string | null;
  readonly tcpPort: number | null;
  readonly availabilityZone: string | null;
  readonly loading: boolean;
}

/** @throws NotInfoError */
export declare function parseReplicationInfo(text: string): ReplicationInfo;
/** null if it is not an INFO replication. */
export declare function parseFence(reply: Buffer | string): Fence | null;
/** Reads the sections server and persistence (either may be missing). @throws NotInfoError */
export declare function parseServerInfo(text: string): ServerInfo;
