import type { Bytes } from "../../../protocol/resp/reply.js";
import type { LuaMachine } from "./machine.js";

/** Fields of `lua_Debug` on a 32-bit machine, and its size. */
const AR = { what: 12, source: 16, currentline: 20, bytes: 128 } as const;

/**
 * Where in the script a dead thread's error arose: the function that raised it or, for one of C, the one that called it.
 * The stack still stands after an error, as `lua_resume` leaves it.
 */
export function placeOfError(m: LuaMachine, L: number): { readonly source: Bytes; readonly line: number } | null {
  const { c } = m;
  const saved = c.stackSave();
  const ar = c.stackAlloc(AR.bytes);
  try {
    for (let level = 0; c.lua_getstack(L, level, ar) !== 0; level++) {
      m.withText("Sl", (what) => c.lua_getinfo(L, what, ar));
      const { memory } = m;
      const source = m.textAt(memory.readUInt32LE(ar + AR.source));
      const inC = m.textAt(memory.readUInt32LE(ar + AR.what)) === "C";
      if (inC && level > 0) return null;
      // What the prelude does in a script's name is no place in the script, nor is a tail call that is gone.
      if (!inC && source !== "=prelude" && source !== "=(tail call)")
        return { source, line: memory.readInt32LE(ar + AR.currentline) };
    }
    return null;
  } finally {
    c.stackRestore(saved);
  }
}
