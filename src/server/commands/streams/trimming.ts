import { type Bytes, ErrorReply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import type { Stream, Trim } from "../../keyspace/stream.js";
import { idText } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { idArg, type NewId, newIdArg } from "./arguments.js";

const twoStrategies = new ErrorReply("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
const negativeMaxLen = new ErrorReply("ERR The MAXLEN argument must be >= 0.");
const negativeLimit = new ErrorReply("ERR The LIMIT argument must be >= 0.");
const limitWithoutStrategy = new ErrorReply(
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
);
const limitWithoutTilde = new ErrorReply("ERR syntax error, LIMIT cannot be used without the special ~ option");
const noStrategy = new ErrorReply("ERR syntax error, XTRIM must be called with a trimming strategy");

/** The options of XADD and XTRIM. */
export interface TrimOptions {
  readonly trim: Trim | null;
  /** Index of MAXLEN's or MINID's value. */
  readonly valueAt: number;
  readonly noMkStream: boolean;
  readonly id: NewId;
  /** Index of what follows the options: XADD's id. */
  readonly end: number;
}

/** Reads the options from `args[2]` on. XADD's end at the first word that is none of them. */
export function trimOptions(ctx: CommandContext, args: readonly Bytes[], adding: boolean): TrimOptions {
  let trim: Trim | null = null;
  let valueAt = 0;
  let limit: number | null = null;
  let noMkStream = false;
  let id: NewId = "auto";
  let at = 2;
  for (; at < args.length; at++) {
    const more = args.length - 1 - at;
    if (adding && args[at] === "*") break;
    if (more > 0 && (isWord(args[at], "maxlen") || isWord(args[at], "minid"))) {
      const byLength = isWord(args[at], "maxlen");
      if (trim !== null) fail(twoStrategies);
      const sign = more >= 2 ? args[at + 1] : undefined;
      const approximate = sign === "~";
      valueAt = at + (sign === "~" || sign === "=" ? 2 : 1);
      trim = byLength
        ? { by: "length", length: maxLenArg(arg(args, valueAt)), approximate, limit: 0 }
        : { by: "id", id: idArg(arg(args, valueAt)), approximate, limit: 0 };
      at = valueAt;
    } else if (more > 0 && isWord(args[at], "limit")) {
      limit = longArg(arg(args, ++at));
      if (limit < 0) fail(negativeLimit);
    } else if (adding && isWord(args[at], "nomkstream")) noMkStream = true;
    else if (adding) {
      id = newIdArg(arg(args, at));
      break;
    } else fail(errors.syntax);
  }
  if (limit !== null && limit > 0 && trim === null) fail(limitWithoutStrategy);
  if (!adding && trim === null) fail(noStrategy);
  if (trim !== null) trim = { ...trim, limit: limitOf(ctx, trim, limit) };
  else if (limit !== null && !ctx.client.isMasterLink) fail(limitWithoutTilde);
  return { trim, valueAt, noMkStream, id, end: at };
}

function maxLenArg(text: Bytes): number {
  const length = longArg(text);
  return length < 0 ? fail(negativeMaxLen) : length;
}

/** The most to remove at once. What a master sends has been trimmed there, and says how much to keep. */
function limitOf(ctx: CommandContext, trim: Trim, given: number | null): number {
  if (ctx.client.isMasterLink) return 0;
  if (!trim.approximate) return given === null ? 0 : fail(limitWithoutTilde);
  if (given !== null) return given;
  const limit = 100 * ctx.server.config.number("stream-node-max-entries");
  return limit <= 0 ? 10_000 : Math.min(limit, 1_000_000);
}

/**
 * The command as replicas must get it: an approximate trim depends on how the stream is cut into nodes, so it becomes
 * the exact one that has the same effect.
 */
export function exactly(args: readonly Bytes[], { trim, valueAt }: TrimOptions, stream: Stream): Bytes[] {
  const exact = [...args];
  if (trim?.approximate !== true) return exact;
  exact[valueAt - 1] = "=";
  exact[valueAt] = trim.by === "length" ? String(stream.length) : idText(stream.firstId);
  return exact;
}
