import { setTimeout as sleep } from "node:timers/promises";
import { resolveOptions } from "../../client/options/resolve.js";
import type { ResolvedOptions } from "../../client/options/resolved.js";
import { translate } from "../../client/topology/address.js";
import { AdminConnection } from "../admin/connection.js";
import { readSettings } from "../admin/settings.js";
import { type Survey, type SurveyedNode, survey } from "../admin/survey.js";
import { parseFields } from "../processes/info-fields.js";
import { clientOptions, type TargetFlags, UsageError } from "../target/flags.js";
import { PLAN_SETTINGS, type Plan, type PlanNode, planSwitchover } from "./plan.js";
import { type Report, reportText } from "./report.js";
import { byFailover, bySentinel, type Outcome, replicationOf } from "./steps.js";
import { type Check, verifyHandover } from "./verify.js";

/** What `ioreplica switchover` takes. */
export interface SwitchoverFlags extends TargetFlags {
  readonly to?: string;
  /** Milliseconds that the replica may take to catch up while writes stand still. */
  readonly timeout: number;
  /** Bytes. */
  readonly maxLag: number;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly rewrite: boolean;
  readonly json: boolean;
}

/** How long replicas may take to have followed the new master before they are reported as missing. */
const SETTLED_WITHIN_MS = 15_000;
const ASKED_WITHIN_MS = 3000;

type Listed = ReadonlyMap<string, { readonly host: string; readonly port: number }>;

/**
 * Hands the role of master over to a replica, without loss.
 *
 * @returns the exit code: 0 done and verified (or a dry run that would go), 1 refused or given up and nothing changed,
 * 2 no node answers, 3 changed, but not all of it as it should be
 */
export async function runSwitchover(urls: readonly string[], flags: SwitchoverFlags): Promise<number> {
  const options = resolveOptions(clientOptions(urls, flags));
  if (options.source.kind === "sentinels" && flags.to !== undefined)
    throw new UsageError("--to can't go with --sentinel: Sentinel chooses by replica-priority and offset");
  if (options.source.kind === "sentinels" && flags.force)
    throw new UsageError("--force can't go with --sentinel: it is an option of FAILOVER");
  const found = await survey(options, ASKED_WITHIN_MS);
  try {
    const report = await new Switchover(options, found, flags).run();
    process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report));
    return { done: 0, wouldGo: 0, refused: 1, givenUp: 1, unreachable: 2, uncertain: 3, incomplete: 3 }[report.outcome];
  } finally {
    found.close();
  }
}

class Switchover {
  #lastOffset = 0;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly found: Survey,
    private readonly flags: SwitchoverFlags,
  ) {}

  async run(): Promise<Report> {
    const answering = this.found.nodes.filter((node) => node.replication !== null);
    const unreachable = [...this.found.nodes, ...this.found.sentinels].flatMap(({ id, problem }) =>
      problem === null ? [] : [{ node: id, reason: problem }],
    );
    const empty = { from: null, to: null, refusals: [], warnings: [], repointed: [], checks: [], durationMs: null };
    if (answering.length === 0)
      return { ...empty, outcome: "unreachable", reason: unreachable.map(({ reason }) => reason).join("; ") };
    const listed = this.#listed(answering);
    const plan = await this.#plan(answering, listed, unreachable);
    const { from, to, refusals, warnings } = plan;
    const said = { ...empty, from, to, refusals, warnings };
    if (refusals.length > 0) return { ...said, outcome: "refused", reason: refusals.join("; ") };
    if (this.flags.dryRun) return { ...said, repointed: plan.repoint, outcome: "wouldGo", reason: null };
    return { ...said, ...(await this.#handOver(plan, answering, listed)) };
  }

  async #plan(
    nodes: readonly SurveyedNode[],
    listed: Listed,
    unreachable: readonly { readonly node: string; readonly reason: string }[],
  ): Promise<Plan> {
    const planNodes = await Promise.all(nodes.map(planNode));
    const { to = null, force, maxLag } = this.flags;
    const plan = planSwitchover(planNodes, { to, force, maxLagBytes: maxLag, listed, unreachable });
    const watched = plan.from === null ? false : await watchedBySentinel(this.#connection(plan.from));
    if (!watched || force || this.options.source.kind === "sentinels") return plan;
    const refusal = "Sentinels watch this master and would undo it: name them by --sentinel host:port --name mymaster";
    return { ...plan, refusals: [...plan.refusals, refusal] };
  }

  async #handOver(
    plan: Plan,
    nodes: readonly SurveyedNode[],
    listed: Listed,
  ): Promise<Pick<Report, "outcome" | "reason" | "to" | "repointed" | "checks" | "durationMs">> {
    const master = nodes.find(({ id }) => id === plan.from);
    if (master?.replication == null || plan.to === null || plan.address === null)
      throw new Error("a plan without nodes");
    const { replid, offset } = master.replication;
    this.#lastOffset = offset;
    const fullSyncs = new Map(nodes.map(({ id, info }) => [id, Number(info.get("sync_full") ?? 0)]));
    const began = performance.now();
    const { outcome, to } =
      this.options.source.kind === "sentinels"
        ? await this.#viaSentinel(plan, listed, replid)
        : await this.#viaFailover(plan, replid);
    const durationMs = Math.round(performance.now() - began);
    const common = { to, durationMs, repointed: [], checks: [] };
    if (outcome.kind !== "done") return { ...common, outcome: outcome.kind, reason: outcome.reason };
    const direct = [...listed.keys()].filter((id) => id !== to && nodes.some((node) => node.id === id));
    const problems = this.options.source.kind === "sentinels" ? [] : await this.#repoint(direct, listed.get(to));
    if (this.flags.rewrite) problems.push(...(await this.#rewrite([master.id, to, ...direct])));
    const from = { id: master.id, replid, offset: this.#lastOffset };
    const checks = await this.#verified(from, to, fullSyncs.get(to) ?? 0, direct);
    const failed = [
      ...problems,
      ...checks.filter(({ ok }) => !ok).map(({ check, seen }) => `not so: ${check} (${seen})`),
    ];
    return {
      ...common,
      repointed: direct,
      checks,
      outcome: failed.length === 0 ? "done" : "incomplete",
      reason: failed.length === 0 ? null : failed.join("; "),
    };
  }

  async #viaFailover(plan: Plan, replid: string): Promise<{ outcome: Outcome; to: string }> {
    const { from, to, address } = plan as { from: string; to: string; address: { host: string; port: number } };
    const pair = { master: this.#connection(from), target: this.#connection(to), replid, sawOffset: this.#sawOffset };
    const { timeout: timeoutMs, force } = this.flags;
    return { outcome: await byFailover(pair, address, { timeoutMs, force }), to };
  }

  async #viaSentinel(plan: Plan, listed: Listed, replid: string): Promise<{ outcome: Outcome; to: string }> {
    const replicas = [...listed.keys()].map((id) => this.#connection(id));
    const { outcome, target } = await bySentinel(
      {
        master: this.#connection(plan.from as string),
        replicas,
        replid,
        sawOffset: this.#sawOffset,
        start: () => this.#askSentinel(),
        timeoutMs: this.flags.timeout,
      },
      (replica) => listed.get(replica.id) as { host: string; port: number },
    );
    return { outcome, to: target?.id ?? (plan.to as string) };
  }

  async #askSentinel(): Promise<void> {
    const { source } = this.options;
    if (source.kind !== "sentinels") throw new Error("there are no Sentinels");
    const [first] = this.found.sentinels.filter(({ problem }) => problem === null);
    const address = source.sentinels.find(({ host, port }) => `${host}:${port}` === first?.id) ?? source.sentinels[0];
    if (address === undefined) throw new Error("no Sentinel answers");
    const { username, password, tls } = source;
    const sentinel = await AdminConnection.open(address, { username, password, tls }, ASKED_WITHIN_MS);
    try {
      await sentinel.call("SENTINEL", "failover", source.name);
    } finally {
      sentinel.close();
    }
  }

  /** Tells every other direct replica of the old master to follow the new one. */
  async #repoint(ids: readonly string[], address: { host: string; port: number } | undefined): Promise<string[]> {
    if (address === undefined) return ["the new master is not listed by the old one"];
    const answers = await Promise.all(
      ids.map(async (id) => {
        const answer = await this.#connection(id)
          .ask("REPLICAOF", address.host, address.port)
          .catch((error: Error) => error);
        return String(answer).startsWith("OK") ? [] : [`${id} refused REPLICAOF: ${String(answer)}`];
      }),
    );
    return answers.flat();
  }

  /** Without it a restart brings back what the configuration files say: two masters. */
  async #rewrite(ids: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(
      ids.map(async (id) => {
        const answer = await this.#connection(id)
          .ask("CONFIG", "REWRITE")
          .catch((error: Error) => error);
        return answer === "OK" ? [] : [`${id} refused CONFIG REWRITE: ${String(answer)}`];
      }),
    );
    return answers.flat();
  }

  async #verified(
    from: { readonly id: string; readonly replid: string; readonly offset: number },
    to: string,
    fullSyncsBefore: number,
    others: readonly string[],
  ): Promise<Check[]> {
    const deadline = performance.now() + SETTLED_WITHIN_MS;
    for (;;) {
      const stats = parseFields(String(await this.#connection(to).call("INFO", "stats")));
      const info = await replicationOf(this.#connection(to));
      if (info === null) throw new Error(`${to} doesn't answer any more`);
      const fullSyncsMore = Number(stats.get("sync_full") ?? 0) - fullSyncsBefore;
      const checks = verifyHandover({
        from,
        to: { id: to, info, fullSyncsMore },
        old: await replicationOf(this.#connection(from.id)),
        others: await Promise.all(others.map(async (id) => ({ id, info: await replicationOf(this.#connection(id)) }))),
      });
      if (checks.every(({ ok }) => ok) || performance.now() > deadline) return checks;
      await sleep(20);
    }
  }

  #connection(id: string): AdminConnection {
    const connection = this.found.nodes.find((node) => node.id === id)?.connection;
    if (connection == null) throw new Error(`there is no connection to ${id}`);
    return connection;
  }

  readonly #sawOffset = (offset: number): void => {
    if (Number.isFinite(offset)) this.#lastOffset = Math.max(this.#lastOffset, offset);
  };

  /** By id: how the master lists its replicas, which is how servers reach each other. */
  #listed(nodes: readonly SurveyedNode[]): Listed {
    const listed = new Map<string, { host: string; port: number }>();
    for (const { replication } of nodes.filter((node) => node.replication?.role === "master")) {
      for (const { host, port } of replication?.replicas ?? []) {
        const reached = translate({ host, port }, this.options.natMap);
        const id = `${reached.host}:${reached.port}`;
        const node = nodes.find((one) => one.id === id || one.aliases.includes(id));
        if (node !== undefined) listed.set(node.id, { host, port });
      }
    }
    return listed;
  }
}

async function planNode(node: SurveyedNode): Promise<PlanNode> {
  const { id, aliases, replication, info, connection } = node;
  if (replication === null || connection === null) throw new Error(`${id} was not asked`);
  return {
    id,
    aliases,
    replication,
    version: info.get("valkey_version") ?? info.get("redis_version") ?? null,
    loading: info.get("loading") === "1",
    settings: await readSettings(connection, PLAN_SETTINGS),
  };
}

/** A Sentinel's connections to the servers it watches bear its name. */
async function watchedBySentinel(master: AdminConnection): Promise<boolean> {
  const clients = await master.ask("CLIENT", "LIST");
  return typeof clients === "string" && /\bname=sentinel-[0-9a-f]+-cmd\b/.test(clients);
}
