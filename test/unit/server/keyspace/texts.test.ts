import { describe, expect, it } from "vitest";
import { Texts } from "../../../../src/server/keyspace/texts.js";

describe("Texts", () => {
  it("gives each record bytes of its own, over as many chunks as it takes, and none that spans two", () => {
    const texts = new Texts();
    const records = Array.from({ length: 3000 }, (_, i) => {
      const text = Array.from({ length: i % 300 }, (_, at) => String.fromCharCode((i + at) % 256)).join("");
      const where = texts.take(text.length);
      texts.write(where, text);
      return { where, text };
    });
    for (const { where, text } of records) {
      expect(texts.read(where, text.length)).toBe(text);
      expect(texts.holds(where, text)).toBe(true);
      expect(Math.floor(where / 65_536)).toBe(Math.floor((where + Math.max(0, text.length - 1)) / 65_536));
    }
    expect(texts.holds((records[7] as { where: number }).where, "another")).toBe(false);
  });

  it("counts what is in use, what was freed, and the ends of chunks that no record fitted into", () => {
    const texts = new Texts();
    for (let i = 0; i < 3; i++) texts.take(30_000);
    expect([texts.live, texts.dead]).toEqual([90_000, 65_536 - 60_000]);
    texts.free(30_000);
    expect([texts.live, texts.dead]).toEqual([60_000, 65_536 - 30_000]);
  });

  it("copies a record to another's chunks", () => {
    const [from, to] = [new Texts(), new Texts()];
    // Neither lies in the first chunk or where one begins, nor are both in the same place.
    for (let i = 0; i < 3; i++) from.take(30_000);
    for (let i = 0; i < 7; i++) to.take(20_000);
    const source = from.take(6);
    from.write(source, "record");
    const target = to.take(6);
    to.copy(from, source, target, 6);
    expect(to.read(target, 6)).toBe("record");
  });
});
