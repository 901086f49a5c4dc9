import { type Bytes, ErrorReply, OK, type Reply, SimpleString } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { fail } from "../../dispatch/errors.js";
import type { CommandGroup } from "../../dispatch/registry.js";
import { arg } from "../support/arguments.js";
import { Counter, corrupted, REGISTERS } from "./counter.js";
import { estimate } from "./estimate.js";
import { place } from "./hash.js";
import { pfselftest } from "./self-test.js";

/** HyperLogLogs. https://redis.io/docs/latest/commands/?group=hyperloglog */
export const hyperLogLogCommands: CommandGroup = { pfadd, pfcount, pfmerge, pfdebug, pfselftest };

const noKey = new ErrorReply("ERR The specified key does not exist");
const notSparse = new ErrorReply("ERR HLL encoding is not sparse");

function counterOf(ctx: CommandContext, key: Bytes): Counter | null {
  const text = ctx.db.get(key, "string");
  return text === null ? null : Counter.of(text);
}

function keep(ctx: CommandContext, key: Bytes, counter: Counter): void {
  ctx.db.setKeepTtl(key, counter.text, "raw");
}

function pfadd(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const known = counterOf(ctx, key);
  const counter = known ?? Counter.empty();
  const maxSparseBytes = ctx.server.config.number("hll-sparse-max-bytes");
  let updated = known === null ? 1 : 0;
  for (let at = 2; at < args.length; at++) {
    const { register, run } = place(arg(args, at));
    if (counter.raise(register, run, maxSparseBytes)) updated++;
  }
  if (updated === 0) return 0;
  counter.cached = null;
  keep(ctx, key, counter);
  ctx.changed(key, updated);
  ctx.notify("$", "pfadd", key);
  return 1;
}

/** The highest value of each register over several keys; those that don't exist count as empty. */
function merged(ctx: CommandContext, keys: readonly Bytes[]): { registers: Uint8Array; dense: boolean } {
  const registers = new Uint8Array(REGISTERS);
  let dense = false;
  for (const key of keys) {
    const counter = counterOf(ctx, key);
    if (counter === null) continue;
    if (!counter.isSparse) dense = true;
    const own = counter.registers();
    for (let at = 0; at < REGISTERS; at++) {
      if ((own[at] as number) > (registers[at] as number)) registers[at] = own[at] as number;
    }
  }
  return { registers, dense };
}

/** Counting one key notes the result in it, which is a change that replicas must see. */
function pfcount(ctx: CommandContext, args: readonly Bytes[]): Reply {
  if (args.length > 2) return estimate(merged(ctx, args.slice(1)).registers);
  const key = arg(args, 1);
  const counter = counterOf(ctx, key);
  if (counter === null) return 0;
  const known = counter.cached;
  if (known !== null) return known;
  const count = estimate(exactRegisters(counter));
  counter.cached = count;
  keep(ctx, key, counter);
  ctx.changed(key);
  return count;
}

/** The registers, or the command fails if the runs go beyond them. */
function exactRegisters(counter: Counter): Uint8Array {
  if (counter.isSparse) {
    let length = 0;
    for (const run of counter.runs()) length += run.length;
    if (length !== REGISTERS) fail(corrupted);
  }
  return counter.registers();
}

function pfmerge(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const { registers, dense } = merged(ctx, args.slice(1));
  const counter = counterOf(ctx, key) ?? Counter.empty();
  const maxSparseBytes = ctx.server.config.number("hll-sparse-max-bytes");
  if (dense) counter.makeDense();
  for (let at = 0; at < REGISTERS; at++) {
    if (registers[at] !== 0) counter.raise(at, registers[at] as number, maxSparseBytes);
  }
  counter.cached = null;
  keep(ctx, key, counter);
  ctx.changed(key);
  ctx.notify("$", "pfadd", key);
  return OK;
}

function pfdebug(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 2);
  const counter = counterOf(ctx, key) ?? fail(noKey);
  const name = arg(args, 1).toLowerCase();
  if (!["getreg", "decode", "encoding", "todense"].includes(name)) fail(`ERR Unknown PFDEBUG subcommand '${args[1]}'`);
  if (args.length !== 3) fail(`ERR Wrong number of arguments for the '${args[1]}' subcommand`);
  if (name === "encoding") return new SimpleString(counter.isSparse ? "sparse" : "dense");
  if (name === "decode") {
    if (!counter.isSparse) fail(notSparse);
    return [...counter.runs()].map(runText).join(" ");
  }
  const converted = counter.isSparse;
  if (converted) {
    counter.makeDense();
    keep(ctx, key, counter);
    ctx.changed(key);
  }
  return name === "todense" ? Number(converted) : [...counter.registers()];
}

function runText({ value, length, size }: { value: number; length: number; size: number }): string {
  if (value !== 0) return `v:${value},${length}`;
  return `${size === 1 ? "z" : "Z"}:${length}`;
}
