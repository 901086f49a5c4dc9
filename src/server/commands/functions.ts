import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply, MapReply, OK, SetReply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { readFunctionDump } from "../rdb/read.js";
import { RdbWriter } from "../rdb/write.js";
import { SCRIPT_FLAGS } from "../scripting/flags.js";
import type { FunctionLibrary, RegisteredFunction } from "../scripting/library-set.js";
import { BUSY_TEXT } from "../scripting/run.js";
import { checkKeyCount } from "./evaluation.js";
import { globMatch } from "./support/glob.js";
import { parseInteger } from "./support/integer.js";

/** FUNCTION and FCALL. https://redis.io/docs/latest/commands/?group=scripting */
export const functionCommands: CommandGroup = {
  fcall: (ctx, args) => call(ctx, args, false),
  fcall_ro: (ctx, args) => call(ctx, args, true),
  "function|load": load,
  "function|delete": remove,
  "function|flush": flush,
  "function|list": list,
  "function|dump": (ctx) => RdbWriter.dumpFunctions(ctx.server.scripting.libraries.dump()),
  "function|restore": restore,
  "function|stats": stats,
  "function|kill": (ctx) => ctx.server.scripting.kill("function") ?? OK,
  "function|help": () => HELP.map((line) => new SimpleString(line)),
};

const HELP: readonly string[] = [
  "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "LOAD [REPLACE] <FUNCTION CODE>",
  "    Create a new library with the given library name and code.",
  "DELETE <LIBRARY NAME>",
  "    Delete the given library.",
  "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
  "    Return general information on all the libraries:",
  "    * Library name",
  "    * The engine used to run the Library",
  "    * Library description",
  "    * Functions list",
  "    * Library code (if WITHCODE is given)",
  "    It also possible to get only function that matches a pattern using LIBRARYNAME argument.",
  "STATS",
  "    Return information about the current function running:",
  "    * Function name",
  "    * Command used to run the function",
  "    * Duration in MS that the function is running",
  "    If no function is running, return nil",
  "    In addition, returns a list of available engines.",
  "KILL",
  "    Kill the current running function.",
  "FLUSH [ASYNC|SYNC]",
  "    Delete all the libraries.",
  "    When called without the optional mode argument, the behavior is determined by the",
  "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
  "    * ASYNC: Asynchronously flush the libraries.",
  "    * SYNC: Synchronously flush the libraries.",
  "DUMP",
  "    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command",
  "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
  "    Restore the libraries represented by the given payload, it is possible to give a restore policy to",
  "    control how to handle existing libraries (default APPEND):",
  "    * FLUSH: delete all existing libraries.",
  "    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.",
  "    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old",
  "      libraries with the new libraries (notice that even on this option there is a chance of failure",
  "      in case of functions name collision with another library).",
  "HELP",
  "    Prints this help.",
];

/** FCALL function numkeys [key …] [arg …] */
function call(ctx: CommandContext, args: readonly Bytes[], readOnly: boolean): Reply {
  const { scripting } = ctx.server;
  scripting.announce(ctx.client, args);
  const fn = scripting.libraries.functions.get((args[1] as Bytes).toLowerCase());
  if (fn === undefined) return new ErrorReply("ERR Function not found");
  const count = parseInteger(args[2] as Bytes);
  if (count === undefined) return new ErrorReply("ERR Bad number of keys provided");
  const keys = checkKeyCount(Number(count), args);
  if (typeof keys !== "number") return keys;
  return scripting.run(ctx.client, args, {
    mode: "function",
    name: fn.name,
    flags: fn.flags,
    readOnly,
    keys: args.slice(3, 3 + keys),
    argv: args.slice(3 + keys),
    ref: fn.ref,
  });
}

/** FUNCTION LOAD [REPLACE] code */
function load(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let replace = false;
  for (const option of args.slice(2, -1)) {
    if (option.toLowerCase() !== "replace") return new ErrorReply(`ERR Unknown option given: ${option}`);
    replace = true;
  }
  const { libraries } = ctx.server.scripting;
  const loaded = libraries.add(args[args.length - 1] as Bytes, replace, ctx.client.isMasterLink);
  if ("error" in loaded) return new ErrorReply(loaded.error);
  ctx.changed(null);
  return loaded.name;
}

/** FUNCTION DELETE library */
function remove(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (!ctx.server.scripting.libraries.delete(args[2] as Bytes)) return new ErrorReply("ERR Library not found");
  ctx.changed(null);
  return OK;
}

/** FUNCTION FLUSH [ASYNC|SYNC] */
function flush(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 3) return unknownSubcommand(args);
  const mode = args[2]?.toLowerCase();
  if (mode !== undefined && mode !== "sync" && mode !== "async") {
    return new ErrorReply("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  ctx.server.scripting.libraries.flush();
  ctx.changed(null);
  return OK;
}

/** FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE] */
function list(ctx: CommandContext, args: readonly Bytes[]): Reply {
  let withCode = false;
  let pattern: Bytes | null = null;
  for (let i = 2; i < args.length; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    if (!withCode && word === "withcode") withCode = true;
    else if (pattern === null && word === "libraryname") {
      if (i === args.length - 1) return new ErrorReply("ERR library name argument was not given");
      pattern = args[++i] as Bytes;
    } else return new ErrorReply(`ERR Unknown argument ${args[i]}`);
  }
  const shown: Reply[] = [];
  for (const library of ctx.server.scripting.libraries.byName.values()) {
    if (pattern === null || globMatch(pattern.toLowerCase(), library.name.toLowerCase())) {
      shown.push(describe(library, withCode));
    }
  }
  return shown;
}

function describe(library: FunctionLibrary, withCode: boolean): Reply {
  const pairs: [Reply, Reply][] = [
    ["library_name", library.name],
    ["engine", "LUA"],
    ["functions", [...library.functions.values()].map(describeFunction)],
  ];
  if (withCode) pairs.push(["library_code", library.code]);
  return new MapReply(pairs);
}

function describeFunction({ name, description, flags }: RegisteredFunction): Reply {
  const names = [...SCRIPT_FLAGS].filter(([, flag]) => (flags & flag) !== 0).map(([word]) => new SimpleString(word));
  return new MapReply([
    ["name", name],
    ["description", description],
    ["flags", new SetReply(names)],
  ]);
}

/** FUNCTION RESTORE payload [FLUSH|APPEND|REPLACE] */
function restore(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 4) return unknownSubcommand(args);
  const policy = (args[3] ?? "append").toLowerCase();
  if (policy !== "append" && policy !== "replace" && policy !== "flush") {
    return new ErrorReply("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  }
  const codes = readFunctionDump(Buffer.from(args[2] as Bytes, "latin1"));
  if (codes === "versionOrChecksum") return new ErrorReply("ERR DUMP payload version or checksum are wrong");
  if (codes === "notFunctions") return new ErrorReply("ERR given type is not a function");
  if (codes === "format") return new ErrorReply("ERR failed loading the given functions payload");
  const error = ctx.server.scripting.libraries.restore(codes, policy);
  if (error !== null) return new ErrorReply(error);
  ctx.changed(null);
  return OK;
}

/** FUNCTION STATS */
function stats(ctx: CommandContext): Reply {
  const { scripting } = ctx.server;
  const { running, libraries } = scripting;
  if (running?.mode === "eval") return new ErrorReply(BUSY_TEXT.eval);
  const shown =
    running === null
      ? null
      : new MapReply([
          ["name", running.name],
          ["command", running.args],
          ["duration_ms", scripting.runningMs],
        ]);
  const counts = new MapReply([
    ["libraries_count", libraries.byName.size],
    ["functions_count", libraries.functions.size],
  ]);
  return new MapReply([
    ["running_script", shown],
    ["engines", new MapReply([["LUA", counts]])],
  ]);
}

function unknownSubcommand(args: readonly Bytes[]): ErrorReply {
  return new ErrorReply(
    `ERR unknown subcommand or wrong number of arguments for '${(args[1] as Bytes).slice(0, 128)}'. Try FUNCTION HELP.`,
  );
}
