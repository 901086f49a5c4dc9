import { formatHello, HELLO_CHANNEL, type Hello, parseHello } from "./hello.js";
import { Instance } from "./instance.js";
import type { MonitorContext, MonitorSettings } from "./monitor-context.js";
import { openLink } from "./open-link.js";
import { choosePromotion, followMaster } from "./promote.js";

type Failover = "none" | "wait-start" | "promote" | "wait-promotion" | "reconfigure";

/** One master with its replicas and the other Sentinels that watch it: finds them, tells who is down, and fails over. */
export class Monitor {
  master: Instance;
  readonly replicas = new Map<string, Instance>();
  /** By run id. */
  readonly sentinels = new Map<string, Instance>();
  configEpoch = 0;
  failover: Failover = "none";
  objectivelyDown = false;
  #failoverStartMs = 0;
  #failoverEpoch = 0;
  #lastTryMs = Number.NEGATIVE_INFINITY;
  #forced = false;
  #promoted: Instance | null = null;
  #vote: { leader: string; epoch: number } = { leader: "", epoch: 0 };
  #stopped = false;

  constructor(
    readonly name: string,
    host: string,
    port: number,
    readonly settings: MonitorSettings,
    private readonly context: MonitorContext,
  ) {
    this.master = new Instance("master", host, port, context.clock.now());
  }

  /** How often it looks: often enough to see who is down in time. */
  get periodMs(): number {
    return Math.max(10, Math.min(100, this.settings.downAfterMs / 5));
  }

  /** Looks after everything that is due. */
  tick(): void {
    if (this.#stopped) return;
    for (const instance of [this.master, ...this.replicas.values()]) this.#attend(instance);
    for (const instance of this.sentinels.values()) this.#attend(instance);
    this.#judge();
    this.#advance();
  }

  /** Ends every connection. */
  stop(): void {
    this.#stopped = true;
    for (const instance of [this.master, ...this.replicas.values(), ...this.sentinels.values()]) instance.disconnect();
  }

  /** SENTINEL FAILOVER; why not, or null. */
  forceFailover(): string | null {
    if (this.failover !== "none") return "INPROG Failover already in progress";
    if (
      choosePromotion(this.master, this.replicas.values(), this.settings.downAfterMs, this.context.clock.now()) === null
    )
      return "NOGOODSLAVE No suitable replica to promote";
    this.#forced = true;
    this.#startFailover();
    return null;
  }

  /** SENTINEL IS-MASTER-DOWN-BY-ADDR with a run id: this Sentinel's vote. */
  voteFor(candidate: string, epoch: number): { readonly leader: string; readonly epoch: number } {
    if (epoch > this.context.epoch) this.#newEpoch(epoch);
    if (this.#vote.epoch < epoch && this.context.epoch <= epoch) {
      this.#vote = { leader: candidate, epoch };
      this.context.event("+vote-for-leader", `${candidate} ${epoch}`);
      // Whoever was voted for gets time to do it.
      if (candidate !== this.context.myId) this.#lastTryMs = this.context.clock.now();
    }
    return this.#vote;
  }

  /** Sentinels that could agree now, this one included. */
  get usableSentinels(): number {
    return 1 + [...this.sentinels.values()].filter((one) => !one.isDown).length;
  }

  get majority(): number {
    return Math.floor((this.sentinels.size + 1) / 2) + 1;
  }

  /** SENTINEL RESET: everything but the master's address is forgotten and found anew. */
  reset(): void {
    for (const instance of [this.master, ...this.replicas.values(), ...this.sentinels.values()]) instance.disconnect();
    this.replicas.clear();
    this.sentinels.clear();
    this.#endFailover();
    this.master = new Instance("master", this.master.host, this.master.port, this.context.clock.now());
    this.context.event("+reset-master", this.describe(this.master));
  }

  /** `master name host port`, or `slave id host port @ name host port`. */
  describe(instance: Instance): string {
    const { kind, host, port } = instance;
    if (kind === "master") return `master ${this.name} ${host} ${port}`;
    const id = kind === "sentinel" ? instance.runId : instance.id;
    return `${kind} ${id} ${host} ${port} @ ${this.name} ${this.master.host} ${this.master.port}`;
  }

  /** What another Sentinel said. */
  hear(hello: Hello): void {
    const { context } = this;
    if (hello.runId === context.myId || hello.masterName !== this.name) return;
    const known = this.sentinels.get(hello.runId);
    if (known === undefined || known.host !== hello.host || known.port !== hello.port) {
      known?.disconnect();
      // One that came back under another name has left its old one for good.
      for (const [id, one] of this.sentinels) {
        if (one.host !== hello.host || one.port !== hello.port) continue;
        one.disconnect();
        this.sentinels.delete(id);
      }
      const found = new Instance("sentinel", hello.host, hello.port, context.clock.now());
      found.runId = hello.runId;
      this.sentinels.set(hello.runId, found);
      context.event("+sentinel", this.describe(found));
      this.#attend(found);
      // It may have come too late to hear of this one.
      this.master.lastHelloMs = Number.NEGATIVE_INFINITY;
      this.#attend(this.master);
    }
    if (hello.epoch > context.epoch) this.#newEpoch(hello.epoch);
    if (hello.configEpoch <= this.configEpoch) return;
    this.configEpoch = hello.configEpoch;
    if (hello.masterHost === this.master.host && hello.masterPort === this.master.port) return;
    const from = this.sentinels.get(hello.runId) as Instance;
    context.event("+config-update-from", this.describe(from));
    this.#switchTo(hello.masterHost, hello.masterPort);
  }

  #newEpoch(epoch: number): void {
    this.context.epoch = epoch;
    this.context.event("+new-epoch", String(epoch));
  }

  /** Keeps the connections, and asks what is due. */
  #attend(instance: Instance): void {
    const { clock } = this.context;
    const nowMs = clock.now();
    const { downAfterMs } = this.settings;
    if (instance.link?.waitingSinceMs != null && nowMs - instance.link.waitingSinceMs > downAfterMs / 2)
      instance.link.close();
    if (instance.link === null || instance.link.closed)
      instance.link = openLink(this.context, this.settings, instance, "cmd");
    const { link } = instance;
    if (instance.kind !== "sentinel" && (instance.listener === null || instance.listener.closed)) {
      const listener = openLink(this.context, this.settings, instance, "pubsub");
      instance.listener = listener;
      listener.onMessage = (_channel, message) => {
        const hello = parseHello(message);
        if (hello) this.hear(hello);
      };
      listener.send(["SUBSCRIBE", HELLO_CHANNEL]);
    }
    if (nowMs - instance.lastPingMs >= this.periodMs && link.waitingSinceMs === null) {
      instance.lastPingMs = nowMs;
      link.send(["PING"], (reply) => {
        instance.lastReplyMs = clock.now();
        const isWell = "value" in reply || /^(LOADING|MASTERDOWN)/.test(reply.error);
        if (isWell) instance.lastOkMs = clock.now();
      });
    }
    const infoMs = this.failover !== "none" || this.master.isDown ? this.periodMs : Math.min(1000, downAfterMs);
    if (instance.kind !== "sentinel" && nowMs - instance.lastInfoMs >= infoMs) {
      instance.lastInfoMs = nowMs;
      link.send(["INFO"], (reply) => {
        if ("value" in reply) this.#learn(instance, String(reply.value));
      });
    }
    if (nowMs - instance.lastHelloMs >= Math.min(2000, downAfterMs)) {
      instance.lastHelloMs = nowMs;
      link.send(["PUBLISH", HELLO_CHANNEL, this.#hello()]);
    }
  }

  #hello(): string {
    const { context, master } = this;
    const { host, port } = context.address();
    // A failover that is under way already names the new master.
    const told = this.failover === "reconfigure" && this.#promoted ? this.#promoted : master;
    return formatHello({
      host,
      port,
      runId: context.myId,
      epoch: context.epoch,
      masterName: this.name,
      masterHost: told.host,
      masterPort: told.port,
      configEpoch: this.configEpoch,
    });
  }

  #learn(instance: Instance, text: string): void {
    const nowMs = this.context.clock.now();
    const { rebooted, replicas } = instance.learn(text, nowMs);
    if (rebooted) this.context.event("+reboot", this.describe(instance));
    if (instance === this.master) {
      if (this.#followSwitch()) return;
      for (const { host, port } of replicas) {
        const id = `${host}:${port}`;
        if (this.replicas.has(id)) continue;
        const replica = new Instance("slave", host, port, nowMs);
        this.replicas.set(id, replica);
        this.context.event("+slave", this.describe(replica));
        this.#attend(replica);
      }
    } else if (instance.kind === "slave") this.#correct(instance, nowMs);
  }

  /** The master follows one of its replicas, which is a master: somebody switched them (FAILOVER), and that is fine. */
  #followSwitch(): boolean {
    const { master, context } = this;
    const next = this.replicas.get(`${master.masterHost}:${master.masterPort}`);
    if (master.role !== "slave" || next?.role !== "master" || this.failover !== "none") return false;
    this.#newEpoch(context.epoch + 1);
    this.configEpoch = context.epoch;
    this.#switchTo(next.host, next.port);
    return true;
  }

  /** A replica that is none, or of somebody else, is told whom to follow; not at once, since news may be on their way. */
  #correct(replica: Instance, nowMs: number): void {
    const { master, context } = this;
    if (replica === this.#promoted) return;
    if (this.failover !== "none" || master.isDown || master.role !== "master") return;
    const patienceMs = 4 * this.periodMs;
    if (nowMs - replica.roleSinceMs < patienceMs || nowMs - replica.configuredMs < 4 * patienceMs) return;
    if (replica.role === "master") {
      context.event("+convert-to-slave", this.describe(replica));
    } else if (replica.masterHost !== master.host || replica.masterPort !== master.port) {
      context.event("+fix-slave-config", this.describe(replica));
    } else return;
    followMaster(replica, master.host, master.port, nowMs);
  }

  /** Who is down, as this Sentinel sees it, and of the master as enough of them see it. */
  #judge(): void {
    const { context, settings } = this;
    const nowMs = context.clock.now();
    for (const instance of [this.master, ...this.replicas.values(), ...this.sentinels.values()]) {
      const isDemoted = instance === this.master && instance.role === "slave";
      const isDown =
        nowMs - instance.lastOkMs > settings.downAfterMs ||
        (isDemoted && nowMs - instance.roleSinceMs > settings.downAfterMs + 2000);
      if (isDown === instance.isDown) continue;
      instance.downSinceMs = isDown ? nowMs : null;
      context.event(isDown ? "+sdown" : "-sdown", this.describe(instance));
    }
    const agreed = [...this.sentinels.values()].filter((one) => one.saysDown).length + 1;
    const isDown = this.master.isDown && agreed >= settings.quorum;
    if (isDown !== this.objectivelyDown) {
      this.objectivelyDown = isDown;
      const text = this.describe(this.master);
      if (isDown) context.event("+odown", `${text} #quorum ${agreed}/${settings.quorum}`);
      else context.event("-odown", text);
    }
    if (this.master.isDown || this.failover === "wait-start") this.#askOthers();
    else for (const one of this.sentinels.values()) one.saysDown = false;
  }

  #askOthers(): void {
    const { context, master } = this;
    const asksForVote = this.failover === "wait-start";
    const candidate = asksForVote ? context.myId : "*";
    const epoch = String(context.epoch);
    for (const other of this.sentinels.values()) {
      if (other.link?.waitingSinceMs != null) continue;
      other.link?.send(
        ["SENTINEL", "is-master-down-by-addr", master.host, String(master.port), epoch, candidate],
        (reply) => {
          if (!("value" in reply) || !Array.isArray(reply.value)) return;
          const [down, leader, leaderEpoch] = reply.value as unknown[];
          other.saysDown = Number(down) === 1;
          if (leader !== "*") other.vote = { leader: String(leader), epoch: Number(leaderEpoch) };
        },
      );
    }
  }

  #startFailover(): void {
    const { context } = this;
    this.#newEpoch(context.epoch + 1);
    this.#failoverEpoch = context.epoch;
    this.failover = "wait-start";
    this.#failoverStartMs = this.#lastTryMs = context.clock.now();
    context.event("+try-failover", this.describe(this.master));
    this.voteFor(context.myId, this.#failoverEpoch);
    this.#askOthers();
    this.#advance();
  }

  /** One step of the failover, if there is one to take. */
  #advance(): void {
    const { context, settings } = this;
    const nowMs = context.clock.now();
    if (this.failover === "none") {
      // Those who lost an election don't all try again at the same moment.
      const restMs =
        Math.min(settings.failoverTimeoutMs * 2, settings.downAfterMs * 4) * (0.75 + context.random.next() / 2);
      if (this.objectivelyDown && nowMs - this.#lastTryMs > restMs) this.#startFailover();
      return;
    }
    if (nowMs - this.#failoverStartMs > settings.failoverTimeoutMs) {
      context.event("-failover-abort-slave-timeout", this.describe(this.master));
      this.#endFailover();
      return;
    }
    if (this.failover === "wait-start") {
      if (!this.#forced && !this.#elected()) return;
      context.event("+elected-leader", this.describe(this.master));
      this.failover = "promote";
      context.event("+failover-state-select-slave", this.describe(this.master));
    }
    if (this.failover === "promote") {
      const chosen = choosePromotion(
        this.master,
        this.replicas.values(),
        this.settings.downAfterMs,
        this.context.clock.now(),
      );
      if (chosen === null) {
        context.event("-failover-abort-no-good-slave", this.describe(this.master));
        this.#endFailover();
        return;
      }
      this.#promoted = chosen;
      context.event("+selected-slave", this.describe(chosen));
      context.event("+failover-state-send-slaveof-noone", this.describe(chosen));
      followMaster(chosen, "", 0, nowMs);
      this.failover = "wait-promotion";
      context.event("+failover-state-wait-promotion", this.describe(chosen));
    }
    const promoted = this.#promoted;
    if (this.failover !== "wait-promotion" || promoted?.role !== "master") return;
    this.configEpoch = this.#failoverEpoch;
    context.event("+promoted-slave", this.describe(promoted));
    this.failover = "reconfigure";
    context.event("+failover-state-reconf-slaves", this.describe(this.master));
    for (const replica of this.replicas.values()) {
      if (replica === promoted || replica.isDown) continue;
      context.event("+slave-reconf-sent", this.describe(replica));
      followMaster(replica, promoted.host, promoted.port, nowMs);
    }
    context.event("+failover-end", this.describe(this.master));
    this.#switchTo(promoted.host, promoted.port);
  }

  #elected(): boolean {
    const epoch = this.#failoverEpoch;
    const votes = [...this.sentinels.values()].map((one) => one.vote);
    const own = this.#vote.epoch === epoch && this.#vote.leader === this.context.myId ? 1 : 0;
    const won = own + votes.filter((vote) => vote?.epoch === epoch && vote.leader === this.context.myId).length;
    return won >= Math.max(this.majority, Math.min(this.settings.quorum, this.sentinels.size + 1));
  }

  #endFailover(): void {
    this.failover = "none";
    this.#promoted = null;
    this.#forced = false;
  }

  /** Another server is the master from now on; the old one is a replica when it comes back. */
  #switchTo(host: string, port: number): void {
    const { context, master: old } = this;
    const nowMs = context.clock.now();
    this.#endFailover();
    const id = `${host}:${port}`;
    const known = this.replicas.get(id);
    this.replicas.delete(id);
    known?.disconnect();
    old.disconnect();
    this.master = new Instance("master", host, port, nowMs);
    this.master.runId = known?.runId ?? "";
    this.objectivelyDown = false;
    for (const one of this.sentinels.values()) {
      one.saysDown = false;
      one.lastHelloMs = Number.NEGATIVE_INFINITY;
    }
    context.event("+switch-master", `${this.name} ${old.host} ${old.port} ${host} ${port}`);
    const others = [...this.replicas.values(), new Instance("slave", old.host, old.port, nowMs)];
    for (const replica of others) {
      this.replicas.set(replica.id, replica);
      replica.roleSinceMs = nowMs;
      replica.lastHelloMs = Number.NEGATIVE_INFINITY;
      context.event("+slave", this.describe(replica));
    }
    this.tick();
  }
}
