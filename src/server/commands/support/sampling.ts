import type { Random } from "../../../core/random.js";
import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { fail } from "../../dispatch/errors.js";
import { type Elements, Sample } from "../../keyspace/sample.js";

/** A collection that keeps a sample of itself once it has been asked for one. */
export interface Sampled {
  sample: Sample | null;
}

/** Up to this size a walk is as fast as anything, and nothing has to be kept. */
const SMALL = 64;

function sampleOf(owner: Sampled, elements: Elements): Sample {
  owner.sample ??= new Sample(elements);
  return owner.sample;
}

/** One element, each with the same chance; undefined if there is none. */
export function pickOne(owner: Sampled, elements: Elements, random: Random): Bytes | undefined {
  if (elements.size > SMALL) return sampleOf(owner, elements).pick(random);
  let skip = random.int(elements.size);
  for (const element of elements.keys()) if (skip-- === 0) return element;
  return undefined;
}

/** As {@link pickOne}, for an element that the caller will remove. */
export function takeOne(owner: Sampled, elements: Elements, random: Random): Bytes | undefined {
  return elements.size > SMALL ? sampleOf(owner, elements).take(random) : pickOne(owner, elements, random);
}

/** `count` different elements (all if there are fewer), each subset with the same chance. */
export function pickDistinct(owner: Sampled, elements: Elements, count: number, random: Random): Bytes[] {
  if (elements.size <= SMALL || count > elements.size / 4) return chooseFrom(elements, count, random);
  const sample = sampleOf(owner, elements);
  const picked = new Set<Bytes>();
  while (picked.size < count) picked.add(sample.pick(random));
  return [...picked];
}

/** `count` elements, the same one possibly several times. There must be one. */
export function pickRepeating(owner: Sampled, elements: Elements, count: number, random: Random): Bytes[] {
  const all = elements.size <= SMALL ? [...elements.keys()] : null;
  const picked: Bytes[] = [];
  for (let left = count; left > 0; left--) {
    picked.push(all === null ? sampleOf(owner, elements).pick(random) : (all[random.int(all.length)] as Bytes));
  }
  return picked;
}

/** Walks over all elements, in their order. */
function chooseFrom(elements: Elements, count: number, random: Random): Bytes[] {
  const picked: Bytes[] = [];
  let left = elements.size;
  let wanted = Math.min(count, left);
  for (const element of elements.keys()) {
    if (wanted === 0) break;
    if (random.int(left) < wanted) {
      picked.push(element);
      wanted--;
    }
    left--;
  }
  return picked;
}

/** `count` different numbers below `size` (which must not be fewer), each subset with the same chance. */
export function distinctNumbers(size: number, count: number, random: Random): number[] {
  const picked = new Set<number>();
  // Floyd's way: one draw for each, however many there are to draw from.
  for (let below = size - count; below < size; below++) {
    const number = random.int(below + 1);
    picked.add(picked.has(number) ? below : number);
  }
  return [...picked];
}

/** Elements of a reply that this server can hold in memory beside everything else. */
const MOST_ELEMENTS = 2 ** 25;
const tooMany = new ErrorReply("ERR value is out of range, the reply would be too large");

/**
 * How many elements a negative count asks for; no more than it takes to break the client's output limit, which ends its
 * connection. Without a limit the command fails where nobody could hold the reply.
 */
export function repetitions(ctx: CommandContext, count: number): number {
  const wanted = Math.min(-count, ctx.server.limits.mostElements(ctx.client));
  return wanted > MOST_ELEMENTS ? fail(tooMany) : wanted;
}
