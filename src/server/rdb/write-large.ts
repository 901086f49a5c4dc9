import type { Bytes } from "../../protocol/resp/reply.js";
import type { Image } from "../keyspace/image.js";
import type { Stream } from "../keyspace/stream.js";
import type { StreamNode } from "../keyspace/stream-node.js";
import type { ValueByType } from "../keyspace/values.js";
import type { RdbWriter } from "./write.js";
import { nodePiece, streamHead, streamTail } from "./write-stream.js";

/** Elements of a collection that are written in one go. */
const PIECE = 2048;
/** The same of what a stream consists of: nodes of a hundred entries, and pending entries. */
const STREAM_PIECE = 32;

/** Values that can be written in pieces. */
export type Divisible = Exclude<ValueByType[keyof ValueByType], string>;

/** A collection as it was when this was made, to be written in pieces while the collection goes on being changed. */
export interface LargeValue {
  /** Writes one piece each time it is asked to go on; done when the value is whole. */
  write(writer: RdbWriter): Generator<undefined, undefined>;
  /** To be called ahead of a change. */
  changes(): void;
  /** It is not needed any more. */
  drop(): void;
}

/** @param watch false: the collection does not change before it is written */
export function largeValue(value: Divisible, watch: boolean): LargeValue {
  switch (value.type) {
    case "hash":
      return new LargeCollection(value.fields.image(watch), (writer, [field, content]: [Bytes, Bytes]) => {
        writer.string(field);
        writer.string(content);
      });
    case "set":
      return new LargeCollection(value.members.image(watch), (writer, [member]: [Bytes, true]) =>
        writer.string(member),
      );
    case "list":
      return new LargeCollection(value.image(watch), (writer, item: Bytes) => writer.string(item));
    case "zset":
      return new LargeCollection(value.image(watch), (writer, [member, { score }]: [Bytes, { score: number }]) => {
        writer.string(member);
        writer.double(score);
      });
    case "stream":
      return new LargeStream(value, value.image(watch));
  }
}

class LargeCollection<T> implements LargeValue {
  constructor(
    private readonly image: Image<Iterable<T>>,
    private readonly element: (writer: RdbWriter, element: T) => void,
  ) {}

  *write(writer: RdbWriter): Generator<undefined, undefined> {
    writer.length(this.image.size);
    let count = 0;
    for (const part of this.image.parts()) {
      for (const element of part) {
        this.element(writer, element);
        if (++count % PIECE === 0) yield;
      }
    }
  }

  changes(): void {
    // Who changes a part changes a copy.
  }

  drop(): void {
    this.image.drop();
  }
}

class LargeStream implements LargeValue {
  /** Counters and groups. */
  readonly #tail: Iterator<Bytes> & Iterable<Bytes>;
  /** What was left of it when something changed. */
  #kept: Iterator<Bytes> | null = null;

  constructor(
    stream: Stream,
    private readonly nodes: Image<StreamNode>,
  ) {
    this.#tail = streamTail(stream);
  }

  *write(writer: RdbWriter): Generator<undefined, undefined> {
    let count = 0;
    writer.raw(streamHead(this.nodes.partCount));
    for (const node of this.nodes.parts()) {
      writer.raw(nodePiece(node));
      if (++count % STREAM_PIECE === 0) yield;
    }
    const next = (): IteratorResult<Bytes> => (this.#kept ?? this.#tail).next();
    for (let piece = next(); !piece.done; piece = next()) {
      writer.raw(piece.value);
      if (++count % STREAM_PIECE === 0) yield;
    }
  }

  /** What is pending changes in place, so what is left of it is taken now. */
  changes(): void {
    this.#kept ??= [...this.#tail].values();
  }

  drop(): void {
    this.nodes.drop();
  }
}
