import type { TimerHandle } from "../../core/clock.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { ServerCore } from "../server-core.js";
import type { ReplicationState } from "./info.js";
import type { Replica } from "./replicas.js";

/** Where the replica that is to take over listens, as it has announced it. */
interface Target {
  readonly host: string;
  readonly port: number;
}

/** What FAILOVER asks for. */
export interface FailoverRequest {
  /** Null: the first replica that has everything. */
  readonly to: Target | null;
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
  #target: Target | null = null;
  #endMs = Number.POSITIVE_INFINITY;
  #timer: TimerHandle | null = null;

  constructor(private readonly context: FailoverContext) {}

  get state(): ReplicationState["failoverState"] {
    return this.#state;
  }

  /** Begins; an error says why it can't. Whether it succeeds shows in the roles. */
  start(request: FailoverRequest): ErrorReply | null {
    const { core } = this.context;
    const replicas = [...this.context.replicas()];
    const { to, timeoutMs } = request;
    if (to) {
      const target = replicas.find((replica) => isAt(replica, to));
      if (!target) return new ErrorReply("ERR FAILOVER target HOST and PORT is not a replica.");
      if (target.state !== "online") return new ErrorReply("ERR FAILOVER target replica is not online.");
    }
    this.#request = request;
    this.#target = to;
    this.#state = "waiting-for-sync";
    this.#endMs = timeoutMs > 0 ? core.clock.now() + timeoutMs : Number.POSITIVE_INFINITY;
    core.log("notice", `FAILOVER requested to ${to ? `${to.host}:${to.port}` : "any replica"}.`);
    core.pause.start("write", Number.MAX_SAFE_INTEGER, PURPOSE);
    if (timeoutMs > 0) this.#timer = core.clock.setTimer(() => this.check(), timeoutMs);
    // The client gets its OK before the roles change.
    core.clock.setImmediate(() => this.check());
    return null;
  }

  /** Ends it without a change of roles, for this reason; false if there is nothing to abort. */
  abort(reason: string): boolean {
    if (this.#state === "no-failover") return false;
    const { core } = this.context;
    const to = this.#target;
    core.log("notice", `FAILOVER to ${to ? `${to.host}:${to.port}` : "any replica"} aborted: ${reason}`);
    if (this.#state === "failover-in-progress") this.context.takeBack();
    this.#clear();
    return true;
  }

  /** Called when a replica has acknowledged, and once a second. */
  check(): void {
    const request = this.#request;
    if (this.#state !== "waiting-for-sync" || !request) return;
    const replicas = [...this.context.replicas()];
    const { to } = request;
    if (this.context.core.clock.now() >= this.#endMs) {
      if (!request.force || !to) this.abort("Replica never caught up before timeout");
      else {
        this.context.core.log("notice", `FAILOVER to ${to.host}:${to.port} time out exceeded, failing over.`);
        this.#handOver(to);
      }
      return;
    }
    const offset = this.context.offset();
    const ready = replicas.find(
      (replica) => replica.state === "online" && replica.ackOffset >= offset && (!to || isAt(replica, to)),
    );
    if (!ready) return;
    const target = { host: to?.host ?? ready.ip, port: ready.port };
    this.context.core.log("notice", `Failover target ${target.host}:${target.port} is synced, failing over.`);
    this.#handOver(target);
  }

  #handOver(target: Target): void {
    this.#state = "failover-in-progress";
    this.#target = target;
    this.context.handOver(target.host, target.port, (taken) => {
      if (this.#state !== "failover-in-progress") return;
      if (taken) this.#clear();
      else this.abort("Failover target rejected psync request");
    });
  }

  #clear(): void {
    this.#state = "no-failover";
    this.#request = null;
    this.#target = null;
    this.context.core.clock.clearTimer(this.#timer);
    this.#timer = null;
    this.context.core.pause.end(PURPOSE);
  }
}

function isAt(replica: Replica, { host, port }: Target): boolean {
  return replica.port === port && replica.ip.toLowerCase() === host.toLowerCase();
}
