import { OK, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { fail } from "../../dispatch/errors.js";
import { Counter, REGISTERS } from "./counter.js";
import { estimate } from "./estimate.js";
import { place } from "./hash.js";

/** Elements counted; Redis counts a hundred times as many, for which everybody would have to wait. */
const ELEMENTS = 100_000;
/** The error of 68 of 100 counts, and how many times that is tolerated. */
const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);
const TOLERANCE = 6;

/** PFSELFTEST: counts elements in both forms; they must agree, and not be far from the truth. */
export function pfselftest(ctx: CommandContext): Reply {
  const maxSparseBytes = ctx.server.config.number("hll-sparse-max-bytes");
  const dense = Counter.empty();
  dense.makeDense();
  const sparse = Counter.empty();
  const seed = ctx.random.hex(16);
  let checkpoint = 1;
  for (let count = 1; count <= ELEMENTS; count++) {
    const { register, run } = place(`${seed}${count}`);
    if (dense.raise(register, run, 0) !== sparse.raise(register, run, maxSparseBytes))
      fail("ERR TESTFAILED dense/sparse disagree");
    if (count !== checkpoint) continue;
    const counted = estimate(dense.registers());
    if (counted !== estimate(sparse.registers())) fail("ERR TESTFAILED dense/sparse disagree");
    const error = Math.abs(checkpoint - counted);
    const most = checkpoint === 10 ? 1 : Math.ceil(STANDARD_ERROR * TOLERANCE * checkpoint);
    if (error > most) fail(`ERR TESTFAILED Too big error. card:${checkpoint} abserr:${error}`);
    checkpoint *= 10;
  }
  return OK;
}
