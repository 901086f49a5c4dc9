import type { Config } from "../config/config.js";
import type { HandshakeOptions } from "./handshake.js";

/** The directives that replication reads, by what they mean. Read anew each time: CONFIG SET takes effect at once. */
export class ReplicationSettings {
  /** @param localPort the port that is listened on */
  constructor(
    private readonly config: Config,
    private readonly localPort: () => number,
  ) {}

  get backlogBytes(): number {
    return this.config.number("repl-backlog-size");
  }
  /** 0 = for ever. */
  get backlogTtlS(): number {
    return this.config.number("repl-backlog-ttl");
  }
  /** Payloads are sent as they are made, to replicas that can read that. */
  get diskless(): boolean {
    return this.config.flag("repl-diskless-sync");
  }
  /** Seconds that such a payload waits for more replicas to come. */
  get disklessDelayS(): number {
    return this.config.number("repl-diskless-sync-delay");
  }
  /** So many replicas need not wait; 0 = no such number. */
  get disklessMaxReplicas(): number {
    return this.config.number("repl-diskless-sync-max-replicas");
  }
  /** `disabled`, `on-empty-db` or `swapdb`. */
  get disklessLoad(): string {
    return this.config.text("repl-diskless-load");
  }
  get timeoutS(): number {
    return this.config.number("repl-timeout");
  }
  get pingPeriodS(): number {
    return this.config.number("repl-ping-replica-period");
  }
  /** 0 = off. */
  get minReplicas(): number {
    return this.config.number("min-replicas-max-lag") === 0 ? 0 : this.config.number("min-replicas-to-write");
  }
  get maxLagS(): number {
    return this.config.number("min-replicas-max-lag");
  }
  get readOnly(): boolean {
    return this.config.flag("replica-read-only");
  }
  get serveStale(): boolean {
    return this.config.flag("replica-serve-stale-data");
  }
  get priority(): number {
    return this.config.number("replica-priority");
  }
  get announced(): boolean {
    return this.config.flag("replica-announced");
  }

  /** Port by which a master is to list this server. */
  get announcedPort(): number {
    return this.config.number("replica-announce-port") || this.localPort();
  }

  /** What a replica introduces itself with. */
  handshake(resume: HandshakeOptions["resume"], takeOver: boolean): HandshakeOptions {
    const username = this.config.text("masteruser");
    const password = this.config.text("masterauth");
    const announceIp = this.config.text("replica-announce-ip");
    return {
      auth: password === "" ? null : { username: username === "" ? null : username, password },
      listeningPort: this.announcedPort,
      announceIp: announceIp === "" ? null : announceIp,
      resume,
      takeOver,
    };
  }
}
