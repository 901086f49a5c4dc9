import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, OK, SimpleString } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import type { CommandContext } from "../dispatch/context.js";
import { discard } from "../dispatch/dispatcher.js";
import { errors, wrongArity } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { databaseArg } from "./generic.js";
import { isWord } from "./support/arguments.js";
import { checkClientName } from "./support/client-name.js";
import { parseInteger } from "./support/integer.js";

/** https://redis.io/docs/latest/commands/?group=connection; CLIENT has a file of its own. */
export const connectionCommands: CommandGroup = { auth, hello, ping, echo, quit, reset, select };

const WRONG_PASSWORD = new ErrorReply("WRONGPASS invalid username-password pair or user is disabled.");
const NO_PASSWORD_SET = new ErrorReply(
  "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
const PONG = new SimpleString("PONG");

function logIn(ctx: CommandContext, user: Bytes, password: Bytes, word: Bytes): ErrorReply | null {
  return ctx.server.acl.authenticate(ctx.client, user, password, word) ? null : WRONG_PASSWORD;
}

function auth(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 3) return errors.syntax;
  if (args.length === 2 && ctx.server.acl.defaultUser.noPassword) return NO_PASSWORD_SET;
  const user = args.length === 3 ? (args[1] as Bytes) : "default";
  return logIn(ctx, user, args[args.length - 1] as Bytes, args[0] as Bytes) ?? OK;
}

function hello(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const { client, server } = ctx;
  let version = client.resp;
  let at = 1;
  if (args.length > 1) {
    const wanted = parseInteger(args[1] as Bytes);
    if (wanted === undefined) return new ErrorReply("ERR Protocol version is not an integer or out of range");
    if (wanted !== 2 && wanted !== 3) return new ErrorReply("NOPROTO unsupported protocol version");
    version = wanted;
    at = 2;
  }
  let credentials: [Bytes, Bytes] | null = null;
  let name: Bytes | null = null;
  for (; at < args.length; at++) {
    if (isWord(args[at], "auth") && at + 2 < args.length) {
      credentials = [args[at + 1] as Bytes, args[at + 2] as Bytes];
      at += 2;
    } else if (isWord(args[at], "setname") && at + 1 < args.length) {
      name = args[++at] as Bytes;
      const refused = checkClientName(name);
      if (refused !== null) return refused;
    } else {
      return new ErrorReply(`ERR Syntax error in HELLO option '${args[at]}'`);
    }
  }
  if (credentials !== null) {
    const refused = logIn(ctx, ...credentials, args[0] as Bytes);
    if (refused !== null) return refused;
  }
  if (!client.authenticated) {
    return new ErrorReply(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option " +
        "can be used to authenticate the client and select the RESP protocol version at the same time",
    );
  }
  if (name !== null) client.name = name;
  client.resp = version;
  return new MapReply([
    ["server", "redis"],
    ["version", REDIS_VERSION],
    ["proto", version],
    ["id", client.id],
    ["mode", server.mode],
    ...(server.mode === "sentinel" ? [] : [["role", server.replication.role] as const]),
    ["modules", []],
  ]);
}

function ping(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 2) return wrongArity("ping");
  // A RESP2 subscriber must be able to tell the answer from a message.
  if (ctx.resp === 2 && ctx.client.isSubscriber) return ["pong", args[1] ?? ""];
  return args[1] ?? PONG;
}

function echo(_ctx: CommandContext, args: readonly Bytes[]): Reply {
  return args[1] as Bytes;
}

function quit(ctx: CommandContext): Reply {
  ctx.client.closing = true;
  return OK;
}

function reset(ctx: CommandContext): Reply {
  const { client, server } = ctx;
  discard(server, client);
  server.pubsub.forget(client);
  server.monitors.delete(client);
  client.isMonitor = false;
  client.db = server.databases[0] as typeof client.db;
  client.resp = 2;
  client.name = "";
  client.replyMode = "on";
  client.noEvict = false;
  server.tracking.disable(client);
  server.acl.reset(client);
  return new SimpleString("RESET");
}

function select(ctx: CommandContext, args: readonly Bytes[]): Reply {
  ctx.client.db = databaseArg(ctx, args[1] as Bytes);
  return OK;
}
