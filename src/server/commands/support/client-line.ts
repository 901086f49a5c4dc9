import { encodeCommand } from "../../../protocol/resp/encode.js";
import type { Bytes } from "../../../protocol/resp/reply.js";
import type { Client } from "../../dispatch/client.js";
import { bytesOf } from "../../dispatch/request.js";
import { clientBytes, transactionBytes } from "../../memory/client-memory.js";
import type { ServerCore } from "../../server-core.js";

/** The peer's address as CLIENT LIST shows it; a unix socket's path with port 0. */
export function addressOf(client: Client): Bytes {
  const endpoints = (client.connection ?? client.masterConnection)?.endpoints;
  if (endpoints === undefined) return "";
  return endpoints.unixPath !== undefined ? `${endpoints.unixPath}:0` : joined(endpoints.peer);
}

/** The address that the client connected to. */
export function localAddressOf(client: Client): Bytes {
  const endpoints = (client.connection ?? client.masterConnection)?.endpoints;
  if (endpoints === undefined) return "";
  return endpoints.unixPath !== undefined ? `${endpoints.unixPath}:0` : joined(endpoints.local);
}

function joined({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `normal`, `slave`, `pubsub` or `master`, as CLIENT KILL TYPE takes it. */
export function clientType(client: Client): string {
  if (client.isMasterLink) return "master";
  if (client.isReplica && !client.isMonitor) return "slave";
  return client.isSubscriber ? "pubsub" : "normal";
}

const STATIC_OUTPUT = 16 * 1024;

/** One line of CLIENT LIST. `args`: the command that this client runs; it counts as input that is being read. */
export function clientLine(server: ServerCore, client: Client, args: readonly Bytes[] | null = null): string {
  const now = server.clock.epoch();
  const ageS = (since: number): number => Math.max(0, Math.floor((now - since) / 1000));
  const output = client.connection?.backlogBytes ?? 0;
  // Redis has a fixed buffer for what is small, and a list of as large ones for the rest.
  const listed = Math.max(0, output - STATIC_OUTPUT);
  // Dispatch counts the arguments only where a limit asks for it.
  const running = args === null || client.argumentBytes > 0 ? 0 : bytesOf(args);
  const input = client.decoder.pendingBytes + (args === null ? 0 : encodeCommand(args).length);
  return [
    `id=${client.id}`,
    `addr=${addressOf(client)}`,
    `laddr=${localAddressOf(client)}`,
    "fd=-1",
    `name=${client.name}`,
    `age=${ageS(client.createdMs)}`,
    `idle=${ageS(client.lastActiveMs)}`,
    `flags=${flagsOf(client)}`,
    `db=${client.db.index}`,
    `sub=${client.channels.size}`,
    `psub=${client.patterns.size}`,
    `ssub=${client.shardChannels.size}`,
    `multi=${client.queued === null ? -1 : client.queued.length}`,
    `qbuf=${input}`,
    "qbuf-free=0",
    `argv-mem=${client.decoder.argumentBytes}`,
    `multi-mem=${transactionBytes(client)}`,
    "rbs=0",
    "rbp=0",
    `obl=${Math.min(output, STATIC_OUTPUT)}`,
    `oll=${Math.ceil(listed / STATIC_OUTPUT)}`,
    `omem=${listed}`,
    `tot-mem=${clientBytes(client) + running}`,
    "events=r",
    `cmd=${client.lastCommand}`,
    `user=${client.user.name}`,
    `redir=${client.tracking?.redirect ?? -1}`,
    `resp=${client.resp}`,
  ].join(" ");
}

function flagsOf(client: Client): string {
  let flags = "";
  if (client.isMonitor) flags += "O";
  else if (client.isReplica) flags += "S";
  if (client.isMasterLink) flags += "M";
  if (client.isSubscriber) flags += "P";
  if (client.queued !== null) flags += "x";
  if (client.waiter !== null || client.postponed !== null) flags += "b";
  if (client.watchBroken || client.queueBroken) flags += "d";
  if (client.tracking !== null) {
    flags += "t";
    if (client.tracking.redirectBroken) flags += "R";
    if (client.tracking.broadcast) flags += "B";
  }
  if (client.closing) flags += "c";
  if (client.connection?.endpoints.unixPath !== undefined) flags += "U";
  if (client.noEvict) flags += "e";
  return flags === "" ? "N" : flags;
}
