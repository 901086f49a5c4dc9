import { createHash } from "node:crypto";
import type { Bytes } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import { REDIS_VERSION } from "../../protocol/version.js";
import { denialOf } from "../acl/check.js";
import type { ServerCore } from "../server-core.js";
import type { LogLevel } from "../server-core-options.js";
import { callFromScript } from "./call.js";
import type { LibraryTable } from "./lua/environment.js";
import { type LuaMachine, type NativeFunction, TYPE } from "./lua/machine.js";
import { numberText } from "./lua/number-text.js";
import { pushErrorReply, pushReply } from "./replies-to-lua.js";
import { REPL } from "./run.js";

const LEVELS: readonly LogLevel[] = ["debug", "verbose", "notice", "warning"];

/** SHA-1 as 40 hexadecimal digits. */
export function sha1Hex(text: Bytes): string {
  return createHash("sha1").update(text, "latin1").digest("hex");
}

/** Pushes `{ err = "ERR text" }`; a text that begins with `-` has a code word of its own. */
export function pushErrorTable(m: LuaMachine, L: number, text: Bytes): void {
  const own = text.startsWith("-") ? text.slice(1) : `ERR ${text}`;
  const blank = own.indexOf(" ");
  const whole = text.startsWith("-") && blank < 0 ? `ERR ${own}` : own;
  m.c.lua_createtable(L, 0, 1);
  m.pushString(L, whole.replace(/[\r\n]+$/, ""));
  m.rawSetField(L, -2, "err");
}

/** Raises `{ err = "ERR text" }`. */
export function raiseTable(m: LuaMachine, L: number, text: Bytes): never {
  pushErrorTable(m, L, text);
  return m.raise(L);
}

/** The part of `redis` that is there while a library is loaded too. */
export function logTable(server: ServerCore, m: LuaMachine): LibraryTable {
  const { c } = m;
  const [major = "0", minor = "0", patch = "0"] = REDIS_VERSION.split(".");
  return {
    functions: {
      log(L) {
        const count = c.lua_gettop(L);
        if (count < 2) raiseTable(m, L, "redis.log() requires two arguments or more.");
        if (c.lua_isnumber(L, 1) === 0) raiseTable(m, L, "First argument must be a number (log level).");
        const level = Math.trunc(c.lua_tonumber(L, 1));
        const word = LEVELS[level];
        if (word === undefined) raiseTable(m, L, "Invalid debug level.");
        const parts: Bytes[] = [];
        for (let i = 2; i <= count; i++) {
          const part = m.text(L, i);
          if (part !== null) parts.push(part);
        }
        server.log(word, parts.join(" "));
        return 0;
      },
    },
    values: {
      LOG_DEBUG: 0,
      LOG_VERBOSE: 1,
      LOG_NOTICE: 2,
      LOG_WARNING: 3,
      REDIS_VERSION,
      REDIS_VERSION_NUM: (Number(major) << 16) | (Number(minor) << 8) | Number(patch),
    },
  };
}

/** What scripts and functions find in `redis`. */
export function redisTable(server: ServerCore, m: LuaMachine): LibraryTable {
  const { c } = m;
  const log = logTable(server, m);
  const running = (L: number, name: string) =>
    server.scripting.running ?? raiseTable(m, L, `${name} can only be called inside a script invocation`);

  const call = (raises: boolean): NativeFunction => {
    return (L) => {
      const run = running(L, "redis.call/pcall");
      const args = readArguments(m, L);
      if (typeof args === "string") {
        pushErrorTable(m, L, args);
        return raises ? m.raise(L) : 1;
      }
      c.lua_settop(L, 0);
      run.stack = L;
      run.raises = raises;
      const reply = callFromScript(server, run, args);
      if (run.left) return run.environment.leave(L);
      if (!(reply instanceof ErrorReply)) {
        pushReply(m, L, reply, run.client.resp);
        return 1;
      }
      pushErrorReply(m, L, reply);
      return raises ? m.raise(L) : 1;
    };
  };

  const single = (push: (L: number, text: Bytes) => void): NativeFunction => {
    return (L) => {
      if (c.lua_gettop(L) !== 1 || c.lua_type(L, 1) !== TYPE.string) {
        pushErrorTable(m, L, "wrong number or type of arguments");
      } else push(L, (m.text(L, 1) as Bytes).split("\0", 1)[0] as Bytes);
      return 1;
    };
  };

  return {
    functions: {
      ...log.functions,
      call: call(true),
      pcall: call(false),
      sha1hex(L) {
        if (c.lua_gettop(L) !== 1) raiseTable(m, L, "wrong number of arguments");
        m.pushString(L, sha1Hex(m.text(L, 1) ?? ""));
        return 1;
      },
      error_reply: single((L, text) => pushErrorTable(m, L, text.startsWith("-") ? text : `-${text}`)),
      status_reply(L) {
        if (c.lua_gettop(L) !== 1 || c.lua_type(L, 1) !== TYPE.string) {
          pushErrorTable(m, L, "wrong number or type of arguments");
          return 1;
        }
        c.lua_createtable(L, 0, 1);
        c.lua_pushvalue(L, 1);
        m.rawSetField(L, -2, "ok");
        return 1;
      },
      setresp(L) {
        const run = running(L, "redis.setresp");
        if (c.lua_gettop(L) !== 1) raiseTable(m, L, "redis.setresp() requires one argument.");
        const resp = Math.trunc(c.lua_tonumber(L, 1));
        if (resp !== 2 && resp !== 3) raiseTable(m, L, "RESP version must be 2 or 3.");
        run.client.resp = resp;
        return 0;
      },
      set_repl(L) {
        const run = running(L, "redis.set_repl");
        if (c.lua_gettop(L) !== 1) raiseTable(m, L, "redis.set_repl() requires two arguments.");
        const flags = Math.trunc(c.lua_tonumber(L, 1));
        if ((flags & ~REPL.all) !== 0) {
          raiseTable(m, L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
        }
        run.repl = flags;
        return 0;
      },
      acl_check_cmd(L) {
        const run = running(L, "redis.acl_check_cmd");
        const args = readArguments(m, L);
        if (typeof args === "string") raiseTable(m, L, args);
        const command = server.commands.resolve(args);
        if (command === undefined) raiseTable(m, L, "Invalid command passed to redis.acl_check_cmd()");
        c.lua_pushboolean(L, denialOf(run.caller.user, command.spec, args) === null ? 1 : 0);
        return 1;
      },
    },
    values: {
      ...log.values,
      REPL_NONE: REPL.none,
      REPL_AOF: REPL.aof,
      REPL_SLAVE: REPL.replica,
      REPL_REPLICA: REPL.replica,
      REPL_ALL: REPL.all,
    },
  };
}

/** What EVAL's `redis` has besides: the debugger's doors, which do nothing where nobody debugs, and a word of old. */
export function evalOnly(m: LuaMachine): Readonly<Record<string, NativeFunction>> {
  const { c } = m;
  return {
    breakpoint(L) {
      c.lua_pushboolean(L, 0);
      return 1;
    },
    debug: () => 0,
    replicate_commands(L) {
      c.lua_pushboolean(L, 1);
      return 1;
    },
  };
}

/** The arguments of redis.call as a command; a string is what is wrong with them. */
function readArguments(m: LuaMachine, L: number): Bytes[] | Bytes {
  const { c } = m;
  const count = c.lua_gettop(L);
  if (count === 0) return "Please specify at least one argument for this redis lib call";
  const args: Bytes[] = [];
  for (let i = 1; i <= count; i++) {
    const type = c.lua_type(L, i);
    if (type === TYPE.number) args.push(numberText(c.lua_tonumber(L, i), 17));
    else if (type === TYPE.string) args.push(m.text(L, i) as Bytes);
    else return "Lua redis lib command arguments must be strings or integers";
  }
  return args;
}
