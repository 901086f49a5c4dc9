import type { Random } from "../../../core/random.js";

/** One of `size` items, each with the same chance; undefined if there is none. */
export function pickOne<T>(items: Iterable<T>, size: number, random: Random): T | undefined {
  let skip = random.int(size);
  for (const item of items) if (skip-- === 0) return item;
  return undefined;
}

/** `count` different ones of `size` items (all if there are fewer), each subset with the same chance, in their order. */
export function pickDistinct<T>(items: Iterable<T>, size: number, count: number, random: Random): T[] {
  const picked: T[] = [];
  let wanted = Math.min(count, size);
  let left = size;
  for (const item of items) {
    if (wanted === 0) break;
    if (random.int(left) < wanted) {
      picked.push(item);
      wanted--;
    }
    left--;
  }
  return picked;
}

/** `count` of the items, the same one possibly several times. */
export function pickRepeating<T>(items: Iterable<T>, count: number, random: Random): T[] {
  const all = [...items];
  const picked: T[] = [];
  for (let left = count; left > 0; left--) {
    const item = all[random.int(all.length)];
    if (item !== undefined) picked.push(item);
  }
  return picked;
}
