import { describe, expect, test } from "vitest";
import { read, repositoryFiles } from "./support/repository.js";

/** Rows of the fault table: what goes wrong in replicated Redis, and what the client makes of it. */
const ROWS = Array.from({ length: 27 }, (_, index) => index + 1);

const suites = repositoryFiles().filter((path) => path.startsWith("test/e2e/faults/") && path.endsWith(".test.ts"));

describe("the fault table", () => {
  test.each(ROWS)("fault %i has a test on real servers", (row) => {
    const named = new RegExp(`\\bit\\("fault ${row}: [^"]+"`);
    expect(suites.filter((path) => named.test(read(path))).length).toBeGreaterThan(0);
  });

  test("its tests run on real servers, and are left out by nobody in silence", () => {
    expect(suites.filter((path) => !read(path).includes("describeReal("))).toEqual([]);
  });
});
