import fc from "fast-check";
import { expect, test } from "vitest";
import { keyName } from "../../../../src/client/consistency/key-name.js";

const key = fc.oneof(
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.array(fc.constantFrom("\ud800", "\udc00", "é", "a"), { maxLength: 3 }).map((parts) => parts.join("")),
  fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(Buffer.from("é"), Buffer.from([0xef, 0xbf, 0xbd]), Buffer.from("a")),
);
const bytes = (one: string | Buffer): string => Buffer.from(one as string).toString("hex");

test("two keys have one name exactly if they are the same bytes on the wire", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(keyName(a) === keyName(b)).toBe(bytes(a) === bytes(b));
    }),
    { numRuns: 2000 },
  );
});
