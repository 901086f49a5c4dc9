import type { ReplicationHooks } from "./hooks.js";

/** Replication of a server that has none: a master that nobody follows. */
export class StandaloneReplication implements ReplicationHooks {
  readonly role = "master";
  readonly feeding = false;
  readonly loading = false;
  readonly syncFull = 0;
  readonly syncPartialOk = 0;
  readonly syncPartialErr = 0;
  readonly connectedReplicas = 0;
  readonly offset = 0;
  readonly backlogBytes = 0;

  feed(): void {}
  resetStats(): void {}
  refusal(): null {
    return null;
  }
  infoReplication(): readonly string[] {
    return ["role:master", "connected_slaves:0"];
  }
  infoPersistence(): readonly string[] {
    return ["loading:0"];
  }
  dropMaster(): void {}
  changeReplId(): void {}
  standStill(): void {}
  clientClosed(): void {}
  configChanged(): void {}
  shutdown(): void {}
}
