import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { List } from "../../../../src/server/keyspace/list.js";

/** One operation on a list and on an array that serves as its model. */
type Step = (list: List, model: string[]) => void;

const text = fc.constantFrom("a", "b", "c", "d");
const position = fc.nat({ max: 1500 });
const many = fc.nat({ max: 700 });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(many, text).map(
    ([count, element]): Step =>
      (list, model) => {
        for (let i = 0; i < count; i++) {
          list.pushRight(element + i);
          model.push(element + i);
        }
      },
  ),
  fc.tuple(many, text).map(
    ([count, element]): Step =>
      (list, model) => {
        for (let i = 0; i < count; i++) {
          list.pushLeft(element + i);
          model.unshift(element + i);
        }
      },
  ),
  many.map(
    (count): Step =>
      (list, model) => {
        for (let i = 0; i < count; i++) expect(list.popLeft()).toBe(model.shift());
      },
  ),
  many.map(
    (count): Step =>
      (list, model) => {
        for (let i = 0; i < count; i++) expect(list.popRight()).toBe(model.pop());
      },
  ),
  fc.tuple(position, text).map(
    ([at, element]): Step =>
      (list, model) => {
        list.insert(Math.min(at, model.length), element);
        model.splice(Math.min(at, model.length), 0, element);
      },
  ),
  fc.tuple(position, text).map(
    ([at, element]): Step =>
      (list, model) => {
        if (at >= model.length) return expect(() => list.set(at, element)).toThrow(RangeError);
        list.set(at, element);
        model[at] = element;
      },
  ),
  fc.tuple(position, many).map(
    ([at, count]): Step =>
      (list, model) => {
        list.remove(at, count);
        if (at < model.length) model.splice(at, count);
      },
  ),
  text.map(
    (doomed): Step =>
      (list, model) => {
        list.retain((element) => !element.startsWith(doomed));
        const kept = model.filter((element) => !element.startsWith(doomed));
        model.splice(0, model.length, ...kept);
      },
  ),
  fc.tuple(position, position).map(
    ([from, to]): Step =>
      (list, model) => {
        expect(list.slice(from, to)).toEqual(model.slice(from, Math.max(from, to)));
        expect(list.get(from)).toBe(model[from]);
      },
  ),
);

describe("List", () => {
  it("does what an array does, whatever is done to it", () => {
    const property = fc.property(fc.array(step, { minLength: 10, maxLength: 25, size: "max" }), (steps) => {
      const list = new List();
      const model: string[] = [];
      for (const run of steps) run(list, model);
      expect(list.length).toBe(model.length);
      expect([...list]).toEqual(model);
      expect([...list.reversed()]).toEqual(model.toReversed());
      for (const at of [0, 255, 256, model.length - 1, model.length]) expect(list.get(at)).toBe(model[at]);
    });
    fc.assert(property, { numRuns: 60, seed: 1, interruptAfterTimeLimit: 10_000 });
  });

  it("removes across the borders of chunks", () => {
    const model = Array.from({ length: 2000 }, (_, i) => `e${i}`);
    const list = new List(model);
    for (const [at, count] of [
      [100, 1000],
      [0, 300],
      [650, 500],
      [255, 2],
    ] as const) {
      list.remove(at, count);
      model.splice(at, count);
      expect([...list]).toEqual(model);
    }
  });

  it("has nothing outside its ends", () => {
    const list = new List(["a", "b"]);
    expect([list.get(-1), list.get(2), list.slice(-1, 2), list.slice(2, 9)]).toEqual([undefined, undefined, [], []]);
    list.remove(-1, 5);
    list.remove(2, 5);
    expect([...list]).toEqual(["a", "b"]);
    expect([new List().popLeft(), new List().popRight()]).toEqual([undefined, undefined]);
  });
});
