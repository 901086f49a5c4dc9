import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, NO_REPLY, OK, VerbatimReply } from "../../protocol/resp/reply.js";
import type { User } from "../acl/user.js";
import type { Client } from "../dispatch/client.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { isWord } from "./support/arguments.js";
import { addressOf, clientLine, clientType, localAddressOf } from "./support/client-line.js";
import { checkClientName } from "./support/client-name.js";
import { helpText } from "./support/help.js";
import { parseInteger } from "./support/integer.js";

/** CLIENT; client-side caching has a file of its own. https://redis.io/docs/latest/commands/?group=connection */
export const clientCommands: CommandGroup = {
  "client|id": (ctx) => ctx.client.id,
  "client|info": (ctx, args) => new VerbatimReply("txt", `${clientLine(ctx.server, ctx.client, args)}\n`),
  "client|list": list,
  "client|kill": kill,
  "client|setname": setname,
  "client|getname": (ctx) => (ctx.client.name === "" ? null : ctx.client.name),
  "client|pause": pause,
  "client|unpause": unpause,
  "client|reply": reply,
  "client|no-evict": noEvict,
  "client|unblock": unblock,
  "client|help": () => helpText("client"),
};

const NO_SUCH_CLIENT = new ErrorReply("ERR No such client");
const BAD_ID = new ErrorReply("ERR client-id should be greater than 0");
const TIMEOUT_NOT_INTEGER = new ErrorReply("ERR timeout is not an integer or out of range");
const BAD_PAUSE_MODE = new ErrorReply("ERR CLIENT PAUSE mode must be WRITE or ALL");
const BAD_UNBLOCK_REASON = new ErrorReply("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
const UNBLOCKED = new ErrorReply("UNBLOCKED client unblocked via CLIENT UNBLOCK");

const TYPES = new Set(["normal", "master", "slave", "replica", "pubsub"]);

/** The type in the words that CLIENT LIST uses, or the error that it is none. */
function typeArg(text: Bytes): string | ErrorReply {
  const type = text.toLowerCase();
  if (!TYPES.has(type)) return new ErrorReply(`ERR Unknown client type '${text}'`);
  return type === "replica" ? "slave" : type;
}

function list(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let clients: Iterable<Client> = ctx.server.clients.values();
  if (args.length === 4 && isWord(args[2], "type")) {
    const type = typeArg(args[3] as Bytes);
    if (typeof type !== "string") return type;
    clients = [...clients].filter((client) => clientType(client) === type);
  } else if (args.length > 3 && isWord(args[2], "id")) {
    const ids = args.slice(3).map((text) => parseInteger(text));
    if (ids.includes(undefined)) return new ErrorReply("ERR Invalid client ID");
    clients = ids.flatMap((id) => ctx.server.clients.get(Number(id)) ?? []);
  } else if (args.length !== 2) {
    return errors.syntax;
  }
  let lines = "";
  for (const client of clients) lines += `${clientLine(ctx.server, client, client === ctx.client ? args : null)}\n`;
  return new VerbatimReply("txt", lines);
}

/** What CLIENT KILL asks for: a client is killed if all that is given holds. */
interface KillFilter {
  id?: number;
  address?: Bytes;
  localAddress?: Bytes;
  type?: string;
  user?: User;
  skipSelf: boolean;
}

function kill(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { server, client: self } = ctx;
  if (args.length === 3) {
    const address = args[2] as Bytes;
    for (const client of server.clients.values()) {
      if (addressOf(client) !== address) continue;
      server.kill(client);
      return OK;
    }
    return NO_SUCH_CLIENT;
  }
  const filter = killFilter(ctx, args);
  if (filter instanceof ErrorReply) return filter;
  let killed = 0;
  for (const client of [...server.clients.values()]) {
    if (filter.address !== undefined && addressOf(client) !== filter.address) continue;
    if (filter.localAddress !== undefined && localAddressOf(client) !== filter.localAddress) continue;
    if (filter.type !== undefined && clientType(client) !== filter.type) continue;
    if (filter.id !== undefined && client.id !== filter.id) continue;
    if (filter.user !== undefined && client.user !== filter.user) continue;
    if (client === self && filter.skipSelf) continue;
    server.kill(client);
    killed++;
  }
  return killed;
}

function killFilter(ctx: CommandContext, args: readonly Bytes[]): KillFilter | ErrorReply {
  const filter: KillFilter = { skipSelf: true };
  for (let i = 2; i < args.length; i += 2) {
    const value = args[i + 1];
    if (value === undefined) return errors.syntax;
    if (isWord(args[i], "id")) {
      const id = parseInteger(value);
      if (id === undefined || id < 1) return BAD_ID;
      filter.id = Number(id);
    } else if (isWord(args[i], "type")) {
      const type = typeArg(value);
      if (typeof type !== "string") return type;
      filter.type = type;
    } else if (isWord(args[i], "addr")) filter.address = value;
    else if (isWord(args[i], "laddr")) filter.localAddress = value;
    else if (isWord(args[i], "user")) {
      const user = ctx.server.acl.find(value);
      if (user === undefined) return new ErrorReply(`ERR No such user '${value}'`);
      filter.user = user;
    } else if (isWord(args[i], "skipme")) {
      if (!isWord(value, "yes") && !isWord(value, "no")) return errors.syntax;
      filter.skipSelf = isWord(value, "yes");
    } else return errors.syntax;
  }
  return filter;
}

function setname(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const name = args[2] as Bytes;
  const refused = checkClientName(name);
  if (refused === null) ctx.client.name = name;
  return refused ?? OK;
}

function pause(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 4) {
    return new ErrorReply(
      `ERR unknown subcommand or wrong number of arguments for '${args[1] as Bytes}'. Try CLIENT HELP.`,
    );
  }
  const mode = args[3] ?? "all";
  if (!isWord(mode, "write") && !isWord(mode, "all")) return BAD_PAUSE_MODE;
  const ms = parseInteger(args[2] as Bytes);
  if (ms === undefined) return TIMEOUT_NOT_INTEGER;
  if (ms < 0) return errors.timeoutNegative;
  ctx.server.pause.start(isWord(mode, "write") ? "write" : "all", Number(ms));
  return OK;
}

function unpause(ctx: CommandContext): Reply {
  ctx.server.pause.end();
  return OK;
}

function reply(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { client } = ctx;
  if (isWord(args[2], "on")) {
    client.replyMode = "on";
    return OK;
  }
  if (isWord(args[2], "off")) client.replyMode = "off";
  else if (isWord(args[2], "skip")) client.replyMode = client.replyMode === "off" ? "off" : "skipNext";
  else return errors.syntax;
  return NO_REPLY;
}

function noEvict(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (!isWord(args[2], "on") && !isWord(args[2], "off")) return errors.syntax;
  ctx.client.noEvict = isWord(args[2], "on");
  return OK;
}

function unblock(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const reason = args[3] ?? "timeout";
  if (!isWord(reason, "timeout") && !isWord(reason, "error")) return BAD_UNBLOCK_REASON;
  const id = parseInteger(args[2] as Bytes);
  if (id === undefined) return errors.notInteger;
  const client = ctx.server.clients.get(Number(id));
  if (client?.waiter == null) return 0;
  ctx.server.blocking.unblock(client, isWord(reason, "error") ? UNBLOCKED : client.waiter.request.timeoutReply());
  return 1;
}
