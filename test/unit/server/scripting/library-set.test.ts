import { describe, expect, it } from "vitest";
import { type FunctionLibrary, LibrarySet } from "../../../../src/server/scripting/library-set.js";

/** Registers the functions that the source names, `name!` standing for one that can't be compiled. */
function compile(library: FunctionLibrary, source: string): string | null {
  for (const name of source.trim().split(" ").filter(Boolean)) {
    if (name.endsWith("!")) return "ERR broken";
    library.functions.set(name, { name, description: null, flags: 0, ref: 1 });
  }
  return null;
}

function setOf(...libraries: readonly (readonly [string, string])[]) {
  const forgotten: string[] = [];
  const set = new LibrarySet();
  const add = (name: string, functions: string, replace = false) =>
    set.add(`#!lua name=${name}\n${functions}`, replace, compile, (library) => forgotten.push(library.name));
  for (const [name, functions] of libraries) expect(add(name, functions)).toEqual({ name });
  return { set, add, forgotten };
}

const names = (set: LibrarySet): string[] => [...set.functions.keys()].sort();

describe("adding a library", () => {
  it("finds functions in any letter case", () => {
    const { set } = setOf(["lib", "Mixed"]);
    expect(set.functions.get("mixed")?.name).toBe("Mixed");
  });

  it.each([
    ["lib", "g", "ERR Library 'lib' already exists"],
    ["other", "F", "ERR Function F already exists"],
    ["other", "", "ERR No functions registered"],
    ["other", "g x!", "ERR broken"],
    [
      "a-b",
      "g",
      "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long",
    ],
  ])("%s with %j is refused and changes nothing", (name, functions, error) => {
    const { set, add } = setOf(["lib", "f"]);
    expect(add(name, functions)).toEqual({ error });
    expect(names(set)).toEqual(["f"]);
    expect([...set.libraries.keys()]).toEqual(["lib"]);
  });

  it("replaces one of the same name, and keeps the old one if the new one is no good", () => {
    const { set, add, forgotten } = setOf(["lib", "f g"]);
    expect(add("lib", "h x!", true)).toEqual({ error: "ERR broken" });
    expect(names(set)).toEqual(["f", "g"]);
    expect(add("lib", "g h", true)).toEqual({ name: "lib" });
    expect(names(set)).toEqual(["g", "h"]);
    expect(forgotten).toEqual(["lib", "lib"]);
  });
});

describe("joining the libraries of a dump", () => {
  it("takes all or none", () => {
    const { set } = setOf(["lib", "f"]);
    expect(set.join(setOf(["new", "g"], ["lib", "h"]).set, false)).toBe("ERR Library lib already exists");
    expect(names(set)).toEqual(["f"]);
    expect(set.join(setOf(["new", "f"]).set, true)).toBe("ERR Function f already exists");
    expect(names(set)).toEqual(["f"]);
  });

  it("makes room for libraries of the same name", () => {
    const { set } = setOf(["lib", "f"], ["keep", "k"]);
    const joined = set.join(setOf(["lib", "g"]).set, true);
    expect(typeof joined === "string" ? joined : joined.replaced.map(({ name }) => name)).toEqual(["lib"]);
    expect(names(set)).toEqual(["g", "k"]);
  });
});
