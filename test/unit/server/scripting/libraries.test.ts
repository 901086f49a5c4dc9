import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bitTable, toBits } from "../../../../src/server/scripting/libraries/bit.js";
import { cjsonTable } from "../../../../src/server/scripting/libraries/cjson.js";
import { cmsgpackTable } from "../../../../src/server/scripting/libraries/cmsgpack.js";
import { structTable } from "../../../../src/server/scripting/libraries/struct.js";
import { LuaEnvironment } from "../../../../src/server/scripting/lua/environment.js";
import { luaMachine } from "../../../../src/server/scripting/lua/machine.js";

const m = luaMachine();
let environment: LuaEnvironment;
const refs = new Map<string, number>();

beforeAll(() => {
  const tables = {
    redis: { functions: {} },
    bit: bitTable(m),
    cjson: cjsonTable(m),
    cmsgpack: cmsgpackTable(m),
    struct: structTable(m),
  };
  environment = new LuaEnvironment(m, tables, { functions: {} });
});
afterAll(() => environment.close());

/** What a script makes of one argument; an error as its text. */
function run(code: string, argument: string): string | null {
  let ref = refs.get(code);
  if (ref === undefined) {
    const compiled = environment.compile(`local a = ... ${code}`, "@user_script");
    if ("error" in compiled) throw new Error(compiled.error);
    ref = compiled.ref;
    refs.set(code, ref);
  }
  const outcome = environment.run(
    ref,
    () => "go",
    (L) => {
      m.pushString(L, argument);
      return 1;
    },
  );
  if (outcome.kind !== "done") return outcome.kind === "failed" ? outcome.error : "paused";
  const text = m.text(outcome.thread, 1);
  environment.finish();
  return text;
}

/** JSON that survives Lua: no null in arrays' ends, no empty array (a table without keys is an object). */
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.boolean(),
    fc.integer(),
    fc.string({ unit: "binary-ascii" }).map((text) => text.replace("\0", "0")),
    fc.array(tie("value"), { minLength: 1, maxLength: 5 }),
    fc.dictionary(
      fc.string({ unit: "grapheme-ascii", minLength: 1 }).map((key) => `k${key}`),
      tie("value"),
      { maxKeys: 5 },
    ),
  ),
})).value;

describe("cjson and cmsgpack", () => {
  it("give back what they were given", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value);
        const direct = run("return cjson.encode(cjson.decode(a))", text) as string;
        expect(JSON.parse(direct)).toEqual(value);
        const packed = run("return cjson.encode(cmsgpack.unpack(cmsgpack.pack(cjson.decode(a))))", text) as string;
        expect(JSON.parse(packed)).toEqual(value);
      }),
      { numRuns: 300 },
    );
  });

  it("answer any bytes with a value or a Lua error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = Buffer.from(bytes).latin1Slice();
        for (const code of [
          "cjson.decode(a)",
          "cmsgpack.unpack(a)",
          "struct.unpack(a, a)",
          "struct.pack(a, a, 1, a)",
        ]) {
          const answer = run(`local ok, e = pcall(function() return ${code} end) return tostring(ok) .. type(e)`, text);
          expect(answer).toMatch(/^(true|falsestring)/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("end with an error where arrays stand in arrays without end", () => {
    expect(run("return cjson.decode(a)", "[".repeat(5000))).toMatch(/too many nested/);
    expect(run("return cmsgpack.unpack(a)", "\x91".repeat(100_000))).toMatch(/Bad data format|stack overflow/);
  });
});

describe("bit", () => {
  it("takes numbers modulo 2³², as a processor does", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(toBits(value)).toBe(Number(BigInt.asIntN(32, BigInt(value))));
      }),
    );
  });
});
