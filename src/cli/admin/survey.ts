import type { Endpoint } from "../../client/connection/address.js";
import { endpointId } from "../../client/connection/address.js";
import { masterOfReply, nodesOfReply } from "../../client/connection/sentinel-replies.js";
import { accessOf } from "../../client/options/resolve.js";
import type { NodeAccess, ResolvedOptions } from "../../client/options/resolved.js";
import { type Address, addressId, translate } from "../../client/topology/address.js";
import { parseReplicationInfo } from "../../protocol/info.js";
import type { ReplicationInfo } from "../../protocol/replication-info.js";
import { parseFields } from "../processes/info-fields.js";
import { AdminConnection, type AdminReply } from "./connection.js";

/** A deployment is a handful of nodes; whatever servers tell of, no more than these are asked. */
const MAX_NODES = 128;

/** One server as it answered, or why it didn't. */
export interface SurveyedNode {
  readonly id: string;
  readonly address: Endpoint;
  /** Other addresses that led to the same process (one run_id). */
  readonly aliases: readonly string[];
  /** Who told of the address: `null` for one that was given. */
  readonly toldBy: string | null;
  /** Null when it couldn't be asked; then `problem` says why. */
  readonly connection: AdminConnection | null;
  readonly problem: string | null;
  readonly info: ReadonlyMap<string, string>;
  readonly replication: ReplicationInfo | null;
}

/** One Sentinel as it answered, or why it didn't. */
export interface SurveyedSentinel {
  readonly id: string;
  readonly problem: string | null;
  /** Whom it names as master. */
  readonly master: Address | null;
  /** The fields of `SENTINEL MASTER`. */
  readonly fields: ReadonlyMap<string, string>;
  readonly replicas: readonly Address[];
  /** The other Sentinels that it knows. */
  readonly others: readonly Address[];
}

/** Everything that could be found from the addresses given. */
export interface Survey {
  readonly nodes: readonly SurveyedNode[];
  readonly sentinels: readonly SurveyedSentinel[];
  /** Closes every connection. */
  close(): void;
}

/** Asks all nodes that can be found, each once: the seeds, whom they follow, and who follows them. */
export async function survey(options: ResolvedOptions, timeoutMs: number): Promise<Survey> {
  const sentinels = await surveySentinels(options, timeoutMs);
  const surveyor = new Surveyor(options, timeoutMs);
  for (const { address } of options.seeds) surveyor.add(address, null);
  for (const sentinel of sentinels)
    for (const address of [...(sentinel.master === null ? [] : [sentinel.master]), ...sentinel.replicas])
      surveyor.add(translate(address, options.natMap), `Sentinel ${sentinel.id}`);
  await surveyor.finished();
  return { nodes: surveyor.nodes(), sentinels, close: () => surveyor.close() };
}

class Surveyor {
  readonly #found = new Map<string, SurveyedNode | null>();
  readonly #pending = new Set<Promise<void>>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly timeoutMs: number,
  ) {}

  add(address: Endpoint, toldBy: string | null): void {
    const id = endpointId(address);
    if (this.#found.has(id) || this.#found.size >= MAX_NODES) return;
    this.#found.set(id, null);
    const asked = this.#ask(id, address, toldBy).then((node) => {
      this.#found.set(id, node);
      this.#pending.delete(asked);
    });
    this.#pending.add(asked);
  }

  /** Nodes tell of further nodes, so there is no end before nobody is asked any more. */
  async finished(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  nodes(): SurveyedNode[] {
    return joined([...this.#found.values()].filter((node) => node !== null));
  }

  close(): void {
    for (const node of this.#found.values()) node?.connection?.close();
  }

  async #ask(id: string, address: Endpoint, toldBy: string | null): Promise<SurveyedNode> {
    const common = { id, address, aliases: [], toldBy };
    let connection: AdminConnection | null = null;
    try {
      connection = await AdminConnection.open(address, accessOf(this.options, id), this.timeoutMs);
      const info = parseFields(String(await connection.call("INFO")));
      const replication = parseReplicationInfo(String(await connection.call("INFO", "replication")));
      this.#follow(replication, id, address);
      return { ...common, connection, problem: null, info, replication };
    } catch (error) {
      connection?.close();
      const problem = error instanceof Error ? error.message : String(error);
      return { ...common, connection: null, problem, info: new Map(), replication: null };
    }
  }

  #follow(replication: ReplicationInfo, id: string, address: Endpoint): void {
    if (!this.options.discoverReplicas) return;
    const told: Address[] = replication.replicas.map(({ host, port }) => ({ host, port }));
    const { masterHost, masterPort } = replication;
    if (masterHost !== null && masterPort !== null) told.push({ host: masterHost, port: masterPort });
    for (const one of told) {
      const reached = translate(one, this.options.natMap);
      // A node that names loopback means its own machine.
      if ("host" in address && isLoopback(one.host) && !isLoopback(address.host)) continue;
      this.add(reached, id);
    }
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** Two addresses with one run_id are one process: the one that was given (else known first) names it. */
function joined(nodes: readonly SurveyedNode[]): SurveyedNode[] {
  const byProcess = new Map<string, SurveyedNode>();
  const result: SurveyedNode[] = [];
  for (const node of [...nodes].sort((a, b) => Number(a.toldBy !== null) - Number(b.toldBy !== null))) {
    const runId = node.info.get("run_id");
    const same = runId === undefined ? undefined : byProcess.get(runId);
    if (runId === undefined || same === undefined) {
      result.push(node);
      if (runId !== undefined) byProcess.set(runId, node);
      continue;
    }
    node.connection?.close();
    const merged = { ...same, aliases: [...same.aliases, node.id] };
    byProcess.set(runId, merged);
    result[result.indexOf(same)] = merged;
  }
  return result;
}

async function surveySentinels(options: ResolvedOptions, timeoutMs: number): Promise<SurveyedSentinel[]> {
  const { source } = options;
  if (source.kind !== "sentinels") return [];
  const access: NodeAccess = { username: source.username, password: source.password, tls: source.tls };
  const asked = new Map<string, Promise<SurveyedSentinel>>();
  const ask = (address: Address): void => {
    const id = addressId(address);
    if (!asked.has(id) && asked.size < MAX_NODES)
      asked.set(id, surveySentinel(address, access, source.name, timeoutMs));
  };
  for (const address of source.sentinels) ask(address);
  for (let done = 0; done < asked.size; ) {
    const answers = await Promise.all(asked.values());
    done = asked.size;
    if (source.updateSentinels) for (const { others } of answers) for (const other of others) ask(other);
  }
  return Promise.all(asked.values());
}

async function surveySentinel(
  address: Address,
  access: NodeAccess,
  name: string,
  timeoutMs: number,
): Promise<SurveyedSentinel> {
  const id = addressId(address);
  let connection: AdminConnection | null = null;
  try {
    connection = await AdminConnection.open(address, access, timeoutMs);
    const named = masterOfReply(await connection.call("SENTINEL", "get-master-addr-by-name", name));
    if (named === null) throw new Error(`it watches no master named "${name}"`);
    const [fields, replicas, others] = await Promise.all([
      connection.call("SENTINEL", "master", name),
      connection.call("SENTINEL", "replicas", name),
      connection.call("SENTINEL", "sentinels", name),
    ]);
    return {
      id,
      problem: null,
      master: named,
      fields: fieldPairs(fields),
      replicas: nodesOfReply(replicas, false),
      others: nodesOfReply(others, false),
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { id, problem, master: null, fields: new Map(), replicas: [], others: [] };
  } finally {
    connection?.close();
  }
}

/** A flat list of names and values, as RESP2 has maps. */
export function fieldPairs(reply: AdminReply): Map<string, string> {
  const fields = new Map<string, string>();
  if (Array.isArray(reply))
    for (let i = 0; i + 1 < reply.length; i += 2) fields.set(String(reply[i]), String(reply[i + 1]));
  return fields;
}
