import { ErrorReply } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";
import type { ReplicationState } from "./info.js";
import type { Replica } from "./replicas.js";

/** What FAILOVER asks for. */
export interface FailoverRequest {
  /** Null: the first replica that has everything. */
  readonly to: { readonly host: string; readonly port: number } | null;
  /** At the end of the time go on without waiting for the target to have everything. */
  readonly force: boolean;
  /** 0 = wait for ever. */
  readonly timeoutMs: number;
}

/** What a failover needs of its server. */
export interface FailoverContext {
  readonly core: ServerCore;
  replicas(): Iterable<Replica>;
  offset(): number;
  /** Follows the target, which is told to take over. `done` says whether it did. */
  handOver(host: string, port: number, done: (taken: boolean) => void): void;
  /** Becomes a master again, after the target had refused. */
  takeBack(): void;
}

const PURPOSE = "failover";

/** The planned change of master: pauses writes, waits until a replica has everything, swaps roles with it. */
export class Failover {
  #state: ReplicationState["failoverState"] = "no-failover";
  #request: FailoverRequest | null = null;
  #endMs = Number.POSITIVE_INFINITY;

  constructor(private readonly context: FailoverContext) {}

  get state(): ReplicationState["failoverState"] {
    return this.#state;
  }

  /** Begins; an error says why it can't. Whether it succeeds shows in the roles. */
  start(request: FailoverRequest): ErrorReply | null {
    if (this.#state !== "no-failover") return new ErrorReply("ERR FAILOVER already in progress.");
    const { core } = this.context;
    const replicas = [...this.context.replicas()];
    if (replicas.length === 0) return new ErrorReply("ERR FAILOVER requires connected replicas.");
    const { to, timeoutMs } = request;
    if (to) {
      const target = replicas.find((replica) => isAt(replica, to));
      if (!target) return new ErrorReply("ERR FAILOVER target HOST and PORT is not a replica.");
      if (target.state !== "online") return new ErrorReply("ERR FAILOVER target replica is not online.");
    }
    this.#request = request;
    this.#state = "waiting-for-sync";
    this.#endMs = timeoutMs > 0 ? core.clock.now() + timeoutMs : Number.POSITIVE_INFINITY;
    core.log("notice", "FAILOVER requested.");
    core.pause.start("write", Number.MAX_SAFE_INTEGER, PURPOSE);
    this.check();
    return null;
  }

  /** FAILOVER ABORT; false if there is nothing to abort. */
  abort(): boolean {
    if (this.#state === "no-failover") return false;
    const handedOver = this.#state === "failover-in-progress";
    this.#clear();
    if (handedOver) this.context.takeBack();
    this.context.core.log("notice", "Aborting failover");
    return true;
  }

  /** Called when a replica has acknowledged, and once a second. */
  check(): void {
    const request = this.#request;
    if (this.#state !== "waiting-for-sync" || !request) return;
    const replicas = [...this.context.replicas()];
    const { to } = request;
    if (this.context.core.clock.now() >= this.#endMs) {
      if (request.force && to) this.#handOver(to.host, to.port);
      else this.abort();
      return;
    }
    const offset = this.context.offset();
    const ready = replicas.find(
      (replica) => replica.state === "online" && replica.ackOffset >= offset && (!to || isAt(replica, to)),
    );
    if (ready) this.#handOver(ready.ip, ready.port);
  }

  #handOver(host: string, port: number): void {
    this.#state = "failover-in-progress";
    this.context.core.log("notice", `Failover target is ${host}:${port}, failing over.`);
    this.context.handOver(host, port, (taken) => {
      if (this.#state !== "failover-in-progress") return;
      if (taken) this.#clear();
      else this.abort();
    });
  }

  #clear(): void {
    this.#state = "no-failover";
    this.#request = null;
    this.context.core.pause.end(PURPOSE);
  }
}

function isAt(replica: Replica, { host, port }: { readonly host: string; readonly port: number }): boolean {
  return replica.port === port && (replica.ip === host || (host === "localhost" && replica.ip === "127.0.0.1"));
}
