import type { Redis } from "ioredis";
import { parseReplicationInfo, parseServerInfo } from "../../protocol/info.js";
import type { ReplicationInfo } from "../../protocol/replication-info.js";
import { keepsScriptsWhole } from "../../protocol/reply-errors.js";
import { UnsupportedServerError } from "../errors.js";

/** Who is at the other end, learned once when a connection opens. */
export interface NodeIdentity {
  /** Empty where a server hides it. */
  readonly runId: string;
  /** CLIENT ID of this connection on that server. */
  readonly clientId: number;
  readonly version: string | null;
  /** It refuses no write of a script for want of replicas once that script has written. */
  readonly wholeScripts: boolean;
  /** Of Valkey, where it was configured. */
  readonly zone: string | null;
  readonly replication: ReplicationInfo;
  /** The server's own COMMAND answer, when it was asked for. */
  readonly commands: unknown[] | null;
}

/** What is asked at the opening of a connection. */
export interface HandshakeRequest {
  /** Id of the node, for the error that refuses it. */
  readonly node: string;
  /** Ask for COMMAND too: once per server is enough. */
  readonly commands: boolean;
  /**
   * An earlier connection of ours to the same server that ended with unanswered writes: they may still run.
   * It is killed there before anything else is sent, if the server is still the one with this run_id.
   */
  readonly kill: { readonly runId: string; readonly clientId: number } | null;
}

/**
 * Greets a server: learns its run_id and our own client id, refuses a cluster node or a Sentinel, and sees to
 * it that nothing of a dropped connection runs behind what comes next.
 */
export async function handshake(redis: Redis, request: HandshakeRequest): Promise<NodeIdentity> {
  const [server, replication, clientId, commands] = await Promise.all([
    redis.info("server"),
    redis.info("replication"),
    redis.client("ID").catch(() => 0),
    request.commands ? (redis.call("COMMAND") as Promise<unknown[]>).catch(() => null) : null,
  ]);
  const identity = parseServerInfo(server);
  if (identity.mode !== "standalone") throw new UnsupportedServerError(identity.mode, request.node);
  const { kill } = request;
  if (kill && kill.runId === identity.runId) {
    // Refused for want of permission (NOPERM), or gone already (0 killed): either way nothing more can be done.
    await redis.client("KILL", "ID", kill.clientId).catch(() => 0);
  }
  if (identity.redirects) await acceptRedirects(redis);
  return {
    runId: identity.runId ?? "",
    clientId,
    version: identity.version,
    wholeScripts: keepsScriptsWhole(identity.version),
    zone: identity.availabilityZone,
    replication: parseReplicationInfo(replication),
    commands,
  };
}

/**
 * From now on a write that a replica refuses is answered with where the master is, and a master that hands over lets it
 * wait. A replica would send reads away too, save on a connection that has said READONLY; so where that is not
 * allowed, all stays as it was.
 */
async function acceptRedirects(redis: Redis): Promise<void> {
  try {
    await redis.call("READONLY");
    await redis.call("CLIENT", "CAPA", "redirect");
  } catch {
    // NOPERM: a refusal says READONLY then, without the address.
  }
}
