import { type Bytes, ErrorReply, type Reply } from "../../../protocol/resp/reply.js";
import type { CommandContext } from "../../dispatch/context.js";
import { errors, fail } from "../../dispatch/errors.js";
import { Pending } from "../../keyspace/pending-list.js";
import type { Stream } from "../../keyspace/stream.js";
import type { StreamConsumer, StreamGroup } from "../../keyspace/stream-group.js";
import { idText, MIN_ID, type StreamId } from "../../keyspace/stream-id.js";
import { arg, isWord, longArg } from "../support/arguments.js";
import { groupOf, idArg, parseId, seenConsumer, startArg } from "./arguments.js";
import { addConsumer, entryReply, propagateClaim, propagateGroupId } from "./replies.js";

/* XCLAIM and XAUTOCLAIM: pending entries change hands. */

const claimIdle = new ErrorReply("ERR Invalid min-idle-time argument for XCLAIM");
const claimIdleOption = new ErrorReply("ERR Invalid IDLE option argument for XCLAIM");
const claimTimeOption = new ErrorReply("ERR Invalid TIME option argument for XCLAIM");
const claimRetryOption = new ErrorReply("ERR Invalid RETRYCOUNT option argument for XCLAIM");
const autoClaimIdle = new ErrorReply("ERR Invalid min-idle-time argument for XAUTOCLAIM");
const badCount = new ErrorReply("ERR COUNT must be > 0");

/** Entries looked at by XAUTOCLAIM for each that it may return. */
const ATTEMPTS_PER_ENTRY = 10;
const MAX_COUNT = 2 ** 59;

/** Who claims from which group. The consumer is made with the first entry that it gets. */
class Claim {
  #consumer: StreamConsumer | undefined;

  constructor(
    readonly ctx: CommandContext,
    readonly key: Bytes,
    readonly stream: Stream,
    readonly group: StreamGroup,
    readonly groupName: Bytes,
    readonly consumerName: Bytes,
  ) {}

  get consumer(): StreamConsumer {
    const { ctx, key, group, consumerName } = this;
    this.#consumer ??= seenConsumer(ctx, group, consumerName) ?? addConsumer(ctx, key, group, consumerName);
    return this.#consumer;
  }

  /** Clears away what is pending of an entry that has been deleted. */
  drop(pending: Pending, idAsGiven?: Bytes): void {
    propagateClaim(this.ctx, this.key, this.group, this.groupName, pending, idAsGiven);
    this.group.acknowledge(pending.id);
    this.ctx.changed(null);
  }

  /** Notes that an entry has been given to the claimer. */
  done(pending: Pending, idAsGiven?: Bytes): void {
    propagateClaim(this.ctx, this.key, this.group, this.groupName, pending, idAsGiven);
    this.ctx.changed(null);
  }
}

interface ClaimOptions {
  readonly ids: readonly Bytes[];
  readonly deliveredMs: number;
  readonly retryCount: number | null;
  readonly force: boolean;
  readonly justId: boolean;
  readonly lastId: StreamId;
}

function claimOptions(ctx: CommandContext, args: readonly Bytes[]): ClaimOptions {
  let at = 5;
  while (at < args.length && parseId(arg(args, at)) !== undefined) at++;
  const ids = args.slice(5, at);
  let deliveredMs: number | null = null;
  let retryCount: number | null = null;
  let force = false;
  let justId = false;
  let lastId = MIN_ID;
  for (; at < args.length; at++) {
    const more = args.length - 1 - at;
    if (isWord(args[at], "force")) force = true;
    else if (isWord(args[at], "justid")) justId = true;
    else if (more > 0 && isWord(args[at], "idle")) deliveredMs = ctx.nowMs - longArg(arg(args, ++at), claimIdleOption);
    else if (more > 0 && isWord(args[at], "time")) deliveredMs = longArg(arg(args, ++at), claimTimeOption);
    else if (more > 0 && isWord(args[at], "retrycount")) retryCount = longArg(arg(args, ++at), claimRetryOption);
    else if (more > 0 && isWord(args[at], "lastid")) lastId = idArg(arg(args, ++at));
    else fail(`ERR Unrecognized XCLAIM option '${args[at]}'`);
  }
  // Clients may reckon with clocks that are ahead of ours: what makes no sense counts as now.
  if (deliveredMs === null || deliveredMs < 0 || deliveredMs > ctx.nowMs) deliveredMs = ctx.nowMs;
  if (retryCount !== null && retryCount < 0) retryCount = null;
  return { ids, deliveredMs, retryCount, force, justId, lastId };
}

export function xclaim(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const key = arg(args, 1);
  const groupName = arg(args, 2);
  const [stream, group] = groupOf(ctx, key, groupName);
  const minIdleMs = longArg(arg(args, 4), claimIdle);
  const options = claimOptions(ctx, args);
  const claim = new Claim(ctx, key, stream, group, groupName, arg(args, 3));
  let lastIdToSend = options.lastId > group.lastId;
  if (lastIdToSend) group.lastId = options.lastId;
  const found: Reply[] = [];
  ctx.preventPropagation();
  for (const text of options.ids) {
    const id = idArg(text);
    const entry = stream.find(id);
    let pending = group.pending.get(id);
    if (entry === undefined) {
      if (pending === undefined) continue;
      claim.drop(pending, text);
      lastIdToSend = false;
      continue;
    }
    if (pending === undefined) {
      if (!options.force) continue;
      pending = new Pending(id, claim.consumer, options.deliveredMs, 1);
      group.pending.set(pending);
      claim.consumer.pending.set(pending);
    } else {
      if (minIdleMs > 0 && ctx.nowMs - pending.deliveredMs < minIdleMs) continue;
      group.hand(pending, claim.consumer);
      pending.deliveredMs = options.deliveredMs;
    }
    if (options.retryCount !== null) pending.deliveries = options.retryCount;
    else if (!options.justId) pending.deliveries++;
    found.push(options.justId ? idText(id) : entryReply(entry));
    claim.done(pending, text);
    lastIdToSend = false;
  }
  if (lastIdToSend) {
    propagateGroupId(ctx, key, group, groupName);
    ctx.changed(null);
  }
  return found;
}

export function xautoclaim(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const minIdleMs = longArg(arg(args, 4), autoClaimIdle);
  const from = startArg(arg(args, 5));
  let count = 100;
  let justId = false;
  for (let at = 6; at < args.length; at++) {
    if (isWord(args[at], "count") && at + 1 < args.length) {
      count = longArg(arg(args, ++at), badCount);
      if (count < 1 || count > MAX_COUNT) fail(badCount);
    } else if (isWord(args[at], "justid")) justId = true;
    else fail(errors.syntax);
  }
  const key = arg(args, 1);
  const [stream, group] = groupOf(ctx, key, arg(args, 2));
  const claim = new Claim(ctx, key, stream, group, arg(args, 2), arg(args, 3));
  const found: Reply[] = [];
  const deleted: Reply[] = [];
  let attempts = count * ATTEMPTS_PER_ENTRY;
  let next = MIN_ID;
  ctx.preventPropagation();
  for (const pending of group.pending.from(from)) {
    if (attempts-- === 0 || found.length + deleted.length === count) {
      next = pending.id;
      break;
    }
    const entry = stream.find(pending.id);
    if (entry === undefined) {
      claim.drop(pending);
      deleted.push(idText(pending.id));
      continue;
    }
    if (minIdleMs > 0 && ctx.nowMs - pending.deliveredMs < minIdleMs) continue;
    group.hand(pending, claim.consumer);
    pending.deliveredMs = ctx.nowMs;
    if (!justId) pending.deliveries++;
    found.push(justId ? idText(pending.id) : entryReply(entry));
    claim.done(pending);
  }
  return [idText(next), found, deleted];
}
