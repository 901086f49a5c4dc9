import type { Bytes } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { Config } from "../config/config.js";
import type { ServerCore } from "../server-core.js";
import type { Client } from "./client.js";
import type { CommandSet } from "./command-set.js";
import { Flag } from "./flags.js";
import type { Command } from "./registry.js";

/** The answer to a command or subcommand that does not exist. */
export function unknownCommand(commands: CommandSet, args: readonly Bytes[]): ErrorReply {
  const name = args[0] as Bytes;
  if (commands.find(name)?.subcommands != null) {
    return new ErrorReply(`ERR unknown subcommand '${(args[1] ?? "").slice(0, 128)}'. Try ${name.toUpperCase()} HELP.`);
  }
  let shown = "";
  for (let i = 1; i < args.length && shown.length < 128; i++) {
    // A C string to Redis: a zero byte ends it.
    const [arg = ""] = (args[i] as Bytes).split("\0", 1);
    shown += `'${arg.slice(0, 128 - shown.length)}' `;
  }
  return new ErrorReply(`ERR unknown command '${name.slice(0, 128)}', with args beginning with: ${shown}`);
}

/** Flags of an EXEC with what it will run: `write` if anything writes, `stale` and `loading` only if all has it. */
export function combinedBits(client: Client, exec: Command, server: ServerCore): number {
  let any = exec.flagBits;
  let all = exec.flagBits;
  for (const { command, args } of client.queued ?? []) {
    const own = command.flagBits;
    const bits = (own & Flag.script) === 0 ? own : server.scripting.bitsOf(command, args, own);
    any |= bits & (Flag.write | Flag.mayReplicate | Flag.denyOom);
    all &= bits | ~(Flag.stale | Flag.loading);
  }
  return (any & ~(Flag.stale | Flag.loading)) | (all & (Flag.stale | Flag.loading));
}

/** DEBUG is refused unless enable-debug-command allows it to this client. */
export function debugRefusal(client: Client, config: Config, command: Command): ErrorReply | null {
  const what = command.name.split("|")[0] as string;
  const option = `enable-${what}-command`;
  const allowed = config.text(option);
  if (allowed === "yes" || (allowed === "local" && isLocal(client))) return null;
  return new ErrorReply(
    `ERR ${what.toUpperCase()} command not allowed. If the ${option} option is set to "local", you can run it from a local ` +
      "connection, otherwise you need to set this option in the configuration file, and then restart the server.",
  );
}

/** Whether the client is on this machine: loopback or a unix socket. */
export function isLocal(client: Client): boolean {
  const endpoints = client.connection?.endpoints;
  if (endpoints === undefined || endpoints.unixPath !== undefined) return true;
  const { host } = endpoints.peer;
  return host === "::1" || host.startsWith("127.") || host.startsWith("::ffff:127.");
}

const PUBSUB_ONLY = new Set([
  "ping",
  "subscribe",
  "ssubscribe",
  "psubscribe",
  "unsubscribe",
  "sunsubscribe",
  "punsubscribe",
  "quit",
  "reset",
]);

/** Commands that a RESP2 client may send while it is subscribed. */
export function allowedInRestrictedPubSub(name: string): boolean {
  return PUBSUB_ONLY.has(name);
}
