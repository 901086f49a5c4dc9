import type { Value, ValueByType } from "../keyspace/values.js";
import type { RdbWriter } from "./write.js";
import { streamPieces } from "./write-stream.js";

/** Elements of a collection that are written in one go. */
const PIECE = 2048;

/** Writes one piece each time it is asked to go on; done when the value is whole. */
export type LargeValue = Iterator<undefined, undefined>;

/** Values that can be written in pieces; the others are written whole, whatever their size. */
export type Divisible = Exclude<ValueByType[keyof ValueByType], string>;

export function isDivisible(value: Value): value is Divisible {
  return typeof value !== "string";
}

/** Writes the value of a key in pieces. It must not change meanwhile. */
export function* writeLarge(writer: RdbWriter, value: Divisible): Generator<undefined, undefined> {
  let count = 0;
  switch (value.type) {
    case "hash":
      writer.length(value.fields.size);
      for (const [field, content] of value.fields) {
        writer.string(field);
        writer.string(content);
        if (++count % PIECE === 0) yield;
      }
      return;
    case "set":
      writer.length(value.members.size);
      for (const member of value.members) {
        writer.string(member);
        if (++count % PIECE === 0) yield;
      }
      return;
    case "list":
      writer.length(value.length);
      for (const item of value) {
        writer.string(item);
        if (++count % PIECE === 0) yield;
      }
      return;
    case "zset":
      writer.length(value.size);
      for (const { member, score } of value.entries()) {
        writer.string(member);
        writer.double(score);
        if (++count % PIECE === 0) yield;
      }
      return;
    case "stream":
      for (const piece of streamPieces(value)) {
        writer.raw(piece);
        // A piece is a node of a hundred entries, or one pending entry.
        if (++count % (PIECE / 64) === 0) yield;
      }
  }
}
