import type { Bytes, Reply } from "../../protocol/resp/reply.js";
import { ManyReplies, PushReply } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { CommandContext } from "../dispatch/context.js";
import type { SubscriptionKind } from "../dispatch/pubsub.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { globMatch } from "./support/glob.js";
import { helpText } from "./support/help.js";

/** https://redis.io/docs/latest/commands/?group=pubsub */
export const pubsubCommands: CommandGroup = {
  subscribe: (ctx, args) => subscribe(ctx, args, "channels", "subscribe"),
  psubscribe: (ctx, args) => subscribe(ctx, args, "patterns", "psubscribe"),
  ssubscribe: (ctx, args) => subscribe(ctx, args, "shardChannels", "ssubscribe"),
  unsubscribe: (ctx, args) => unsubscribe(ctx, args, "channels", "unsubscribe"),
  punsubscribe: (ctx, args) => unsubscribe(ctx, args, "patterns", "punsubscribe"),
  sunsubscribe: (ctx, args) => unsubscribe(ctx, args, "shardChannels", "sunsubscribe"),
  publish: (ctx, args) => publish(ctx, () => ctx.server.pubsub.publish(args[1] as Bytes, args[2] as Bytes)),
  spublish: (ctx, args) => publish(ctx, () => ctx.server.pubsub.publishSharded(args[1] as Bytes, args[2] as Bytes)),
  "pubsub|channels": (ctx, args) => names(ctx.server.pubsub.channels, args),
  "pubsub|shardchannels": (ctx, args) => names(ctx.server.pubsub.shardChannels, args),
  "pubsub|numpat": (ctx) => ctx.server.pubsub.patterns.size,
  "pubsub|numsub": (ctx, args) => counts(ctx.server.pubsub.channels, args),
  "pubsub|help": () => helpText("pubsub"),
  "pubsub|shardnumsub": (ctx, args) => counts(ctx.server.pubsub.shardChannels, args),
};

/** Subscriptions of a kind are counted with those of the kinds that share its counter in replies. */
function countOf(client: Client, kind: SubscriptionKind): number {
  return kind === "shardChannels" ? client.shardChannels.size : client.channels.size + client.patterns.size;
}

function subscribe(ctx: CommandContext, args: readonly Bytes[], kind: SubscriptionKind, word: string): Reply {
  const { client, server } = ctx;
  const replies: Reply[] = [];
  for (let i = 1; i < args.length; i++) {
    const name = args[i] as Bytes;
    server.pubsub.subscribe(client, kind, name);
    replies.push(new PushReply([word, name, countOf(client, kind)]));
  }
  return new ManyReplies(replies);
}

function unsubscribe(ctx: CommandContext, args: readonly Bytes[], kind: SubscriptionKind, word: string): Reply {
  const { client, server } = ctx;
  const wanted = args.length > 1 ? args.slice(1) : [...client[kind]];
  const replies: Reply[] = [];
  for (const name of wanted) {
    server.pubsub.unsubscribe(client, kind, name);
    replies.push(new PushReply([word, name, countOf(client, kind)]));
  }
  // With nothing to leave there is still one answer.
  if (replies.length === 0) replies.push(new PushReply([word, null, countOf(client, kind)]));
  return new ManyReplies(replies);
}

function publish(ctx: CommandContext, deliver: () => number): Reply {
  const delivered = deliver();
  ctx.forcePropagation();
  return delivered;
}

function names(listeners: ReadonlyMap<Bytes, unknown>, args: readonly Bytes[]): Reply {
  const pattern = args[2];
  return [...listeners.keys()].filter((name) => pattern === undefined || globMatch(pattern, name));
}

function counts(listeners: ReadonlyMap<Bytes, ReadonlySet<unknown>>, args: readonly Bytes[]): Reply {
  return args.slice(2).flatMap((name): Reply[] => [name, listeners.get(name)?.size ?? 0]);
}
