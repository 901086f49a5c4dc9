import { secretHex } from "../../core/random.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { DoubleReply, ErrorReply, MapReply, OK, SetReply } from "../../protocol/resp/reply.js";
import { CATEGORIES, everyCommand } from "../acl/catalogue.js";
import { denialOf } from "../acl/check.js";
import { describeChannels, describeCommands, describeKeys } from "../acl/describe.js";
import { hasSpaces } from "../acl/rule-error.js";
import type { Selector } from "../acl/selector.js";
import type { CommandContext } from "../dispatch/context.js";
import { fail, wrongArity } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { isWord, longArg } from "./support/arguments.js";
import { helpText } from "./support/help.js";

/** ACL. https://redis.io/docs/latest/commands/?group=server */
export const aclCommands: CommandGroup = {
  "acl|cat": cat,
  "acl|deluser": deleteUsers,
  "acl|dryrun": dryRun,
  "acl|genpass": generatePassword,
  "acl|getuser": getUser,
  "acl|list": (ctx) => ctx.server.acl.lines(),
  "acl|load": load,
  "acl|log": log,
  "acl|save": save,
  "acl|setuser": setUser,
  "acl|users": (ctx) => ctx.server.acl.users().map((user) => user.name),
  "acl|whoami": (ctx) => ctx.client.user.name,
  "acl|help": () => helpText("acl"),
};

const BAD_NAME = new ErrorReply("ERR Usernames can't contain spaces or null characters");
const DEFAULT_STAYS = new ErrorReply("ERR The 'default' user cannot be removed");
const SAVE_FAILED = new ErrorReply(
  "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
);
const MAX_PASSWORD_BITS = 4096;
const BAD_BITS = new ErrorReply(
  `ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to ${MAX_PASSWORD_BITS}`,
);
const NO_FILE = new ErrorReply(
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then " +
    "issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.",
);

/** A wrong number of arguments that the arity in the command table lets through. */
function tooMany(args: readonly Bytes[], most: number): void {
  if (args.length > most) fail(`ERR unknown subcommand or wrong number of arguments for '${args[1]}'. Try ACL HELP.`);
}

function cat(_ctx: CommandContext, args: readonly Bytes[]): Reply {
  tooMany(args, 3);
  const wanted = args[2];
  if (wanted === undefined) return CATEGORIES;
  const category = wanted.toLowerCase();
  if (!CATEGORIES.includes(category)) return new ErrorReply(`ERR Unknown category '${wanted.slice(0, 128)}'`);
  return [...everyCommand()].filter((command) => command.categories.has(category)).map((command) => command.name);
}

function setUser(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const name = args[2] as Bytes;
  if (hasSpaces(name)) return BAD_NAME;
  const wrong = ctx.server.acl.setUser(name, args.slice(3));
  return wrong === null ? OK : new ErrorReply(`ERR ${wrong}`);
}

function deleteUsers(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const names = args.slice(2);
  if (names.includes("default")) return DEFAULT_STAYS;
  return names.filter((name) => ctx.server.acl.deleteUser(name)).length;
}

function getUser(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const user = ctx.server.acl.find(args[2] as Bytes);
  if (user === undefined) return null;
  return new MapReply([
    ["flags", new SetReply(user.flags())],
    ["passwords", user.passwords],
    ...described(user.root),
    ["selectors", user.selectors.slice(1).map((selector) => new MapReply(described(selector)))],
  ]);
}

function described(selector: Selector): (readonly [string, Reply])[] {
  return [
    ["commands", describeCommands(selector)],
    ["keys", describeKeys(selector)],
    ["channels", describeChannels(selector)],
  ];
}

function load(ctx: CommandContext): Reply {
  if (ctx.server.config.text("aclfile") === "") return NO_FILE;
  const wrong = ctx.server.acl.load();
  return wrong === null ? OK : new ErrorReply(`ERR ${wrong}`);
}

function save(ctx: CommandContext): Reply {
  if (ctx.server.config.text("aclfile") === "") return NO_FILE;
  return ctx.server.acl.save() ? OK : SAVE_FAILED;
}

function generatePassword(_ctx: CommandContext, args: readonly Bytes[]): Reply {
  tooMany(args, 3);
  const bits = args[2] === undefined ? 256 : longArg(args[2]);
  if (bits <= 0 || bits > MAX_PASSWORD_BITS) return BAD_BITS;
  return secretHex(Math.ceil(bits / 4));
}

function log(ctx: CommandContext, args: readonly Bytes[]): Reply {
  tooMany(args, 3);
  const { acl, keyspace } = ctx.server;
  if (isWord(args[2], "reset")) {
    acl.log.reset();
    return OK;
  }
  const count = args[2] === undefined ? 10 : Math.max(0, longArg(args[2]));
  return acl.log.entries.slice(0, count).map(
    (entry) =>
      new MapReply([
        ["count", entry.count],
        ["reason", entry.reason],
        ["context", entry.context],
        ["object", entry.object],
        ["username", entry.username],
        ["age-seconds", new DoubleReply((keyspace.nowMs - entry.atMs) / 1000)],
        ["client-info", entry.clientInfo],
      ]),
  );
}

function dryRun(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const user = ctx.server.acl.find(args[2] as Bytes);
  if (user === undefined) return new ErrorReply(`ERR User '${args[2]}' not found`);
  const call = args.slice(3);
  const spec = ctx.server.commands.specOf(call);
  if (spec === undefined) return new ErrorReply(`ERR Command '${call[0]}' not found`);
  if (spec.arity >= 0 ? call.length !== spec.arity : call.length < -spec.arity) return wrongArity(spec.name);
  const denial = denialOf(user, spec, call);
  if (denial === null) return OK;
  return denial.reason === "command"
    ? `This user has no permissions to run the '${spec.name}' command`
    : `This user has no permissions to access the '${call[denial.position]}' ${denial.reason}`;
}
