import { describe, expect, test } from "vitest";
import { publicNames } from "./support/public-api.js";
import { read } from "./support/repository.js";

const CLIENT = "src/index.ts";
const DEV = "src/server/index.ts";
const VITEST = "src/vitest/index.ts";
const doors = publicNames([CLIENT, DEV, VITEST]);
const namesOf = (door: string, kind: "value" | "type"): string[] =>
  (doors.get(door) ?? []).filter((name) => name.kind === kind).map(({ name }) => name);

interface ApiTable {
  readonly [door: string]: { readonly values: readonly string[]; readonly types: readonly string[] };
}
const table = JSON.parse(read("test/tidy/public-api.json")) as ApiTable;

describe.each([
  ["ioreplica", CLIENT],
  ["ioreplica/dev", DEV],
  ["ioreplica/dev/vitest", VITEST],
])("%s", (name, door) => {
  test("exports the listed values and types, no more and no less", () => {
    const listed = table[name];
    expect(namesOf(door, "value")).toEqual([...(listed?.values ?? [])].sort());
    expect(namesOf(door, "type")).toEqual([...(listed?.types ?? [])].sort());
  });

  test("documents everything it exports", () => {
    const names = doors.get(door) ?? [];
    expect(names.filter(({ documented }) => !documented).map((entry) => entry.name)).toEqual([]);
    expect(names.flatMap((entry) => entry.undocumentedMembers)).toEqual([]);
  });
});
