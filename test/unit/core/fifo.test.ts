import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Fifo } from "../../../src/core/fifo.js";

describe("Fifo", () => {
  it("gives back in the order of pushing, over every growth and wrap", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 600 }), (steps) => {
        const fifo = new Fifo<number>();
        const model: number[] = [];
        let next = 0;
        for (const push of steps) {
          if (push || model.length === 0) {
            fifo.push(next);
            model.push(next++);
          } else expect(fifo.shift()).toBe(model.shift());
          expect(fifo.length).toBe(model.length);
          expect(fifo.peek()).toBe(model[0]);
        }
      }),
    );
  });

  it("grows beyond its first places", () => {
    const fifo = new Fifo<number>();
    for (let i = 0; i < 1000; i++) fifo.push(i);
    expect(Array.from({ length: 1000 }, () => fifo.shift())).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(fifo.shift()).toBeUndefined();
  });
});
