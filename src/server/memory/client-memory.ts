import type { Client } from "../dispatch/client.js";
import type { ServerCore } from "../server-core.js";

/** What a client costs that says nothing. */
const IDLE = 2048;

/** What a watched key, a subscription or a prefix of tracking costs, about. */
const ENTRY = 100;

/** About how many bytes a client takes: input, arguments, queued commands, output, and what it watches or listens to. */
export function clientBytes(client: Client): number {
  const { decoder, connection } = client;
  return (
    IDLE +
    decoder.inputBytes +
    decoder.argumentBytes +
    client.argumentBytes +
    transactionBytes(client) +
    listeningBytes(client) +
    (connection?.backlogBytes ?? 0)
  );
}

/** What the commands since MULTI and the keys of WATCH take. */
export function transactionBytes(client: Client): number {
  let bytes = 0;
  for (const { args } of client.queued ?? []) for (const arg of args) bytes += arg.length;
  for (const keys of client.watches.values()) bytes += keys.size * ENTRY;
  return bytes;
}

/** What the subscriptions and the prefixes of CLIENT TRACKING take. */
function listeningBytes({ channels, patterns, shardChannels, tracking }: Client): number {
  return (channels.size + patterns.size + shardChannels.size + (tracking?.prefixes.size ?? 0)) * ENTRY;
}

/** All clients' buffers: of replicas' links their output only, which is counted apart. */
export interface ClientMemory {
  readonly normal: number;
  readonly replicas: number;
}

export function measureClients(server: ServerCore): ClientMemory {
  let normal = 0;
  let replicas = 0;
  for (const client of server.clients.values()) {
    if (client.isReplica) replicas += client.connection?.backlogBytes ?? 0;
    else normal += clientBytes(client);
  }
  return { normal, replicas };
}

/**
 * maxmemory-clients: closes those who use most, until the rest fit. Replicas, the master's link and who asked for
 * CLIENT NO-EVICT are spared. Returns how many were closed.
 */
export function evictClients(server: ServerCore, limit: number): number {
  const candidates: { readonly client: Client; readonly bytes: number }[] = [];
  let sum = 0;
  for (const client of server.clients.values()) {
    if (client.isReplica || client.isMasterLink || client.noEvict || client.closing) continue;
    const bytes = clientBytes(client);
    sum += bytes;
    candidates.push({ client, bytes });
  }
  if (sum <= limit) return 0;
  candidates.sort((a, b) => b.bytes - a.bytes);
  let evicted = 0;
  for (const { client, bytes } of candidates) {
    if (sum <= limit) break;
    server.log("notice", `Evicting client: id=${client.id} tot-mem=${bytes}`);
    client.closing = true;
    client.connection?.destroy();
    sum -= bytes;
    evicted++;
  }
  return evicted;
}
