import { findKeys } from "../../protocol/command-table/find-keys.js";
import type { KeySpec } from "../../protocol/command-table/types.js";
import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, SetReply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { Command, CommandGroup } from "../dispatch/registry.js";
import { isWord } from "./support/arguments.js";
import { globMatch } from "./support/glob.js";
import { helpText } from "./support/help.js";

/** COMMAND: what this server can do. https://redis.io/docs/latest/commands/?group=server */
export const introspectionCommands: CommandGroup = {
  command: (ctx) => [...ctx.server.commands.all()].map(describe),
  "command|count": (ctx) => ctx.server.commands.size,
  "command|info": info,
  "command|docs": docs,
  "command|list": list,
  "command|getkeys": (ctx, args) => keysOf(ctx, args).map((key) => key.key),
  "command|getkeysandflags": (ctx, args) => keysOf(ctx, args).map((key) => [key.key, statusSet(key.flags)]),
  "command|help": () => helpText("command"),
};

function info(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length === 2) return [...ctx.server.commands.all()].map(describe);
  return args.slice(2).map((name) => {
    const command = ctx.server.commands.byFullName(name);
    return command === undefined ? null : describe(command);
  });
}

const statusSet = (words: readonly string[]): Reply => new SetReply(words.map((word) => new SimpleString(word)));

function describe(command: Command): Reply {
  const { spec } = command;
  return [
    spec.name,
    spec.arity,
    statusSet(spec.flags),
    spec.firstKey,
    spec.lastKey,
    spec.step,
    statusSet(spec.categories),
    new SetReply(spec.tips),
    new SetReply(spec.keySpecs.map(describeKeySpec)),
    new SetReply([...(command.subcommands?.values() ?? [])].map(describe)),
  ];
}

function describeKeySpec({ flags, begin, find }: KeySpec): Reply {
  const search: Reply =
    begin === "unknown"
      ? typed("unknown", [])
      : "index" in begin
        ? typed("index", [["index", begin.index]])
        : typed("keyword", [
            ["keyword", begin.keyword],
            ["startfrom", begin.startFrom],
          ]);
  const how: Reply =
    find === "unknown"
      ? typed("unknown", [])
      : "lastKey" in find
        ? typed("range", [
            ["lastkey", find.lastKey],
            ["keystep", find.step],
            ["limit", find.limit],
          ])
        : typed("keynum", [
            ["keynumidx", find.keyNumIndex],
            ["firstkey", find.firstKey],
            ["keystep", find.step],
          ]);
  return new MapReply([
    ["flags", statusSet(flags)],
    ["begin_search", search],
    ["find_keys", how],
  ]);
}

function typed(type: string, spec: readonly (readonly [Reply, Reply])[]): Reply {
  return new MapReply([
    ["type", type],
    ["spec", new MapReply(spec)],
  ]);
}

/** Facts only; the prose of the reference is on redis.io. */
function docs(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const wanted =
    args.length === 2
      ? [...ctx.server.commands.all()]
      : args.slice(2).flatMap((name) => ctx.server.commands.byFullName(name) ?? []);
  return new MapReply(wanted.map((command) => [command.name, document(command)]));
}

function document(command: Command): Reply {
  const { spec } = command;
  const pairs: (readonly [Reply, Reply])[] = [
    ["since", spec.since],
    ["group", spec.group],
  ];
  if (command.subcommands !== null) {
    pairs.push([
      "subcommands",
      new MapReply([...command.subcommands.values()].map((sub) => [sub.name, document(sub)])),
    ]);
  }
  return new MapReply(pairs);
}

function list(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const all = [...ctx.server.commands.all()].flatMap((command) => [command, ...(command.subcommands?.values() ?? [])]);
  if (args.length === 2) return all.map((command) => command.name);
  const value = args[4];
  if (args.length !== 5 || !isWord(args[2], "filterby") || value === undefined) return errors.syntax;
  const lower = value.toLowerCase();
  // There are no modules, so none has brought a command.
  if (isWord(args[3], "module")) return [];
  if (isWord(args[3], "aclcat"))
    return all.filter(({ spec }) => spec.categories.includes(`@${lower}`)).map(({ name }) => name);
  if (isWord(args[3], "pattern")) return all.filter(({ name }) => globMatch(value, name, true)).map(({ name }) => name);
  return errors.syntax;
}

const INVALID_COMMAND = new ErrorReply("ERR Invalid command specified");
const NO_KEYS = new ErrorReply("ERR The command has no key arguments");
const BAD_COUNT = new ErrorReply("ERR Invalid number of arguments specified for command");
const BAD_ARGUMENTS = new ErrorReply("ERR Invalid arguments specified for command");

function keysOf(
  ctx: CommandContext,
  args: readonly Bytes[],
): { readonly key: Bytes; readonly flags: readonly string[] }[] {
  const call = args.slice(2);
  const command = ctx.server.commands.resolve(call) ?? fail(INVALID_COMMAND);
  if (!command.spec.keySpecs.some((spec) => !spec.flags.includes("not_key"))) fail(NO_KEYS);
  const { arity } = command.spec;
  if (arity >= 0 ? call.length !== arity : call.length < -arity) fail(BAD_COUNT);
  const found = findKeys(command.spec, call) ?? fail(BAD_ARGUMENTS);
  return found.map(({ position, flags }) => ({ key: call[position] as Bytes, flags }));
}
