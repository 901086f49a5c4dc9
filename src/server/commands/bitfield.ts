import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ErrorReply } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors, fail } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { bitOffsetArg, writtenOffsetArg } from "./bitmaps.js";
import { parseInteger } from "./support/integer.js";

/** Strings as arrays of integers of any width. https://redis.io/docs/latest/commands/bitfield/ */
export const bitfieldCommands: CommandGroup = {
  bitfield: (ctx, args) => bitfield(ctx, args, false),
  bitfield_ro: (ctx, args) => bitfield(ctx, args, true),
};

const BAD_TYPE = new ErrorReply(
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
const BAD_OVERFLOW = new ErrorReply("ERR Invalid OVERFLOW type specified");
const ONLY_GET = new ErrorReply("ERR BITFIELD_RO only supports the GET subcommand");

type Overflow = "wrap" | "sat" | "fail";

interface Operation {
  readonly kind: "get" | "set" | "incrby";
  readonly signed: boolean;
  readonly width: number;
  readonly offset: number;
  readonly amount: bigint;
  readonly overflow: Overflow;
}

function parse(ctx: CommandContext, args: readonly Bytes[]): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = "wrap";
  for (let i = 2; i < args.length; ) {
    const kind = (args[i] as Bytes).toLowerCase();
    const left = args.length - i - 1;
    if (kind === "overflow" && left >= 1) {
      const word = (args[i + 1] as Bytes).toLowerCase();
      if (word !== "wrap" && word !== "sat" && word !== "fail") fail(BAD_OVERFLOW);
      overflow = word as Overflow;
      i += 2;
      continue;
    }
    if (!((kind === "get" && left >= 2) || ((kind === "set" || kind === "incrby") && left >= 3))) fail(errors.syntax);
    const type = args[i + 1] as Bytes;
    const width = parseInteger(type.slice(1));
    const signed = type.startsWith("i");
    if ((!signed && !type.startsWith("u")) || width === undefined || width < 1 || width > (signed ? 64 : 63))
      fail(BAD_TYPE);
    const offset = (kind === "get" ? bitOffsetArg : writtenOffsetArg)(ctx, args[i + 2] as Bytes, Number(width));
    const amount = kind === "get" ? 0n : BigInt(parseInteger(args[i + 3] as Bytes) ?? fail(errors.notInteger));
    operations.push({ kind: kind as Operation["kind"], signed, width: Number(width), offset, amount, overflow });
    i += kind === "get" ? 3 : 4;
  }
  return operations;
}

function bitfield(ctx: CommandContext, args: readonly Bytes[], onlyGet: boolean): Reply {
  const key = args[1] as Bytes;
  const operations = parse(ctx, args);
  const writes = operations.filter(({ kind }) => kind !== "get");
  if (onlyGet && writes.length > 0) return ONLY_GET;
  const known = ctx.db.get(key, "string");
  const value = known ?? "";
  const end = Math.max(0, ...writes.map(({ offset, width }) => Math.floor((offset + width - 1) / 8) + 1));
  const bytes = Buffer.alloc(Math.max(value.length, end));
  bytes.latin1Write(value);
  const grows = known === null || bytes.length > value.length;
  let changes = 0;
  const replies = operations.map((operation): Reply => {
    const old = read(bytes, operation);
    if (operation.kind === "get") return old;
    const wanted = operation.kind === "incrby" ? old + operation.amount : operation.amount;
    const fitted = fit(wanted, operation);
    if (fitted === null) return null;
    write(bytes, operation, fitted);
    if (grows || read(bytes, operation) !== old) changes++;
    return operation.kind === "incrby" ? fitted : old;
  });
  if (writes.length > 0) ctx.db.setKeepTtl(key, bytes.latin1Slice(), "raw");
  if (changes > 0) {
    ctx.changed(key, changes);
    ctx.notify("$", "setbit", key);
  }
  return replies;
}

function read(bytes: Buffer, { offset, width, signed }: Operation): bigint {
  let value = 0n;
  for (let bit = offset; bit < offset + width; bit++) {
    value = (value << 1n) | BigInt(((bytes[Math.floor(bit / 8)] ?? 0) >> (7 - (bit % 8))) & 1);
  }
  return signed ? BigInt.asIntN(width, value) : value;
}

function write(bytes: Buffer, { offset, width }: Operation, value: bigint): void {
  for (let i = 0; i < width; i++) {
    const bit = offset + width - 1 - i;
    const mask = 128 >> (bit % 8);
    const old = bytes[bit >> 3] as number;
    bytes[bit >> 3] = ((value >> BigInt(i)) & 1n) === 1n ? old | mask : old & ~mask;
  }
}

/** The value as the field can hold it, or null if it overflows and must not. */
function fit(value: bigint, { kind, signed, width, overflow }: Operation): bigint | null {
  const bits = BigInt(width);
  const max = signed ? 2n ** (bits - 1n) - 1n : 2n ** bits - 1n;
  const min = signed ? -(2n ** (bits - 1n)) : 0n;
  if (value >= min && value <= max) return value;
  if (overflow === "fail") return null;
  if (overflow === "wrap") return signed ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
  // SET of a negative number into an unsigned field is taken as a huge one.
  return value > max || (kind === "set" && !signed) ? max : min;
}
