import type { Bytes } from "../../protocol/resp/reply.js";
import { SimpleString } from "../../protocol/resp/reply.js";
import { quoted } from "../commands/support/quoted.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import { Flag } from "./flags.js";
import { redacted } from "./redact.js";
import type { Command } from "./registry.js";

/** Tells those who MONITOR of a command that ran. Administrative commands (they carry passwords) are not shown. */
export function feedMonitors(server: ServerCore, client: Client, command: Command, args: readonly Bytes[]): void {
  if ((command.flagBits & (Flag.skipMonitor | Flag.admin)) !== 0) return;
  feed(server, client, redacted(command, args));
}

/** Tells of a call of a script, before what the script calls. */
export function feedScriptToMonitors(server: ServerCore, client: Client, args: readonly Bytes[]): void {
  feed(server, client, args);
}

function feed(server: ServerCore, client: Client, shown: readonly Bytes[]): void {
  const epoch = server.clock.epoch();
  const time = `${Math.floor(epoch / 1000)}.${String((epoch % 1000) * 1000).padStart(6, "0")}`;
  const endpoints = client.connection?.endpoints;
  const from =
    endpoints === undefined
      ? "lua"
      : endpoints.unixPath !== undefined
        ? `unix:${endpoints.unixPath}`
        : `${endpoints.peer.host}:${endpoints.peer.port}`;
  const line = new SimpleString(`${time} [${client.db.index} ${from}] ${shown.map(quoted).join(" ")}`);
  for (const monitor of server.monitors) monitor.push(line);
}
