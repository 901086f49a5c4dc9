import { describe, expect, it } from "vitest";
import { Flag } from "../../../../src/server/dispatch/flags.js";
import { commandBits, readLibraryHead, readShebang, ScriptFlag } from "../../../../src/server/scripting/flags.js";

describe("the first line of a script", () => {
  it.each([
    ["return 1", { flags: ScriptFlag.compat, code: "return 1" }],
    ["#!lua\nreturn 1", { flags: 0, code: "\nreturn 1" }],
    ["#!lua flags=\nx", { flags: 0, code: "\nx" }],
    ["#!lua flags=no-writes,allow-stale\nx", { flags: ScriptFlag.noWrites | ScriptFlag.allowStale, code: "\nx" }],
    ['#!lua "flags=allow-oom"\nx', { flags: ScriptFlag.allowOom, code: "\nx" }],
    ["#!lua", "ERR Invalid script shebang"],
    ["#!\nx", "ERR Unexpected engine in script shebang: #!"],
    ["#!js\nx", "ERR Unexpected engine in script shebang: #!js"],
    ["#!lua 'open\nx", "ERR Invalid engine in script shebang"],
    ["#!lua name=x\nx", "ERR Unknown lua shebang option: name=x"],
    ["#!lua flags=a\nx", "ERR Unexpected flag in script shebang: a"],
  ])("%j", (body, expected) => {
    expect(readShebang(body)).toEqual(expected);
  });
});

describe("the first line of a library", () => {
  it.each([
    ["#!lua name=lib\ncode", { engine: "lua", name: "lib", code: "\ncode" }],
    ["#!LUA NAME=lib\ncode", { engine: "LUA", name: "lib", code: "\ncode" }],
    ["code", "ERR Missing library metadata"],
    ["#!lua name=lib", "ERR Invalid library metadata"],
    ["#!lua\ncode", "ERR Library name was not given"],
    ["#!lua name=a name=b\ncode", "ERR Invalid metadata value, name argument was given multiple times"],
    ["#!lua nam=a\ncode", "ERR Invalid metadata value given: nam=a"],
  ])("%j", (payload, expected) => {
    expect(readLibraryHead(payload)).toEqual(expected);
  });
});

describe("the flags of a script take the place of the command's", () => {
  const evalBits = Flag.mayReplicate | Flag.stale | Flag.noScript;

  it.each([
    [0, Flag.noScript | Flag.write | Flag.denyOom],
    [ScriptFlag.noWrites, Flag.noScript],
    [ScriptFlag.allowOom, Flag.noScript | Flag.write],
    [ScriptFlag.allowStale | ScriptFlag.noWrites, Flag.noScript | Flag.stale],
  ])("%d", (flags, expected) => {
    expect(commandBits(evalBits, flags)).toBe(expected);
  });
});
