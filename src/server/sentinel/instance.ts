import type { SentinelLink } from "./link.js";

export type InstanceKind = "master" | "slave" | "sentinel";

/** A server or another Sentinel, as one Sentinel knows it. */
export class Instance {
  runId = "";
  link: SentinelLink | null = null;
  /** The connection that listens to what other Sentinels say. */
  listener: SentinelLink | null = null;
  /** Of the clock; when it last answered PING as one who is well, or when it was first seen. */
  lastOkMs: number;
  lastReplyMs: number;
  lastPingMs = Number.NEGATIVE_INFINITY;
  lastInfoMs = Number.NEGATIVE_INFINITY;
  infoAtMs = Number.NEGATIVE_INFINITY;
  lastHelloMs = Number.NEGATIVE_INFINITY;
  downSinceMs: number | null = null;
  /** What INFO says. */
  role: "master" | "slave" | null = null;
  roleSinceMs = 0;
  masterHost = "";
  masterPort = 0;
  linkUp = false;
  linkDownSeconds = 0;
  priority = 100;
  announced = true;
  offset = 0;
  /** When it was last told whom to follow. */
  configuredMs = Number.NEGATIVE_INFINITY;
  /** A Sentinel: whether it takes the master for down, and whom it votes for. */
  saysDown = false;
  vote: { readonly leader: string; readonly epoch: number } | null = null;

  constructor(
    readonly kind: InstanceKind,
    readonly host: string,
    readonly port: number,
    nowMs: number,
  ) {
    this.lastOkMs = this.lastReplyMs = this.roleSinceMs = nowMs;
  }

  get id(): string {
    return `${this.host}:${this.port}`;
  }

  get isDown(): boolean {
    return this.downSinceMs !== null;
  }

  disconnect(): void {
    this.link?.close();
    this.listener?.close();
    this.link = this.listener = null;
  }

  /** Takes the fields of an INFO. Returns the run id that it had before, if that is another one now. */
  learn(
    text: string,
    nowMs: number,
  ): { readonly rebooted: boolean; readonly replicas: { host: string; port: number }[] } {
    const fields = new Map(text.split(/\r?\n/).map((line) => splitField(line)));
    const runId = fields.get("run_id") ?? this.runId;
    const rebooted = this.runId !== "" && runId !== this.runId;
    this.runId = runId;
    this.infoAtMs = nowMs;
    const role = fields.get("role") === "master" ? "master" : "slave";
    if (role !== this.role) this.roleSinceMs = nowMs;
    this.role = role;
    if (role === "slave") {
      this.masterHost = fields.get("master_host") ?? "";
      this.masterPort = Number(fields.get("master_port") ?? 0);
      this.linkUp = fields.get("master_link_status") === "up";
      this.linkDownSeconds = Number(fields.get("master_link_down_since_seconds") ?? 0);
      this.priority = Number(fields.get("slave_priority") ?? 100);
      this.offset = Number(fields.get("slave_repl_offset") ?? 0);
      this.announced = fields.get("replica_announced") !== "0";
      return { rebooted, replicas: [] };
    }
    const replicas = [...fields].flatMap(([name, value]) => {
      const found = /^slave\d+$/.test(name) ? /^ip=(.*),port=(\d+),state=/.exec(value) : null;
      return found === null ? [] : [{ host: found[1] as string, port: Number(found[2]) }];
    });
    return { rebooted, replicas };
  }
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1)];
}
