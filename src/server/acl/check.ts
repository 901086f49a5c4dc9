import { type FoundKey, findKeys } from "../../protocol/command-table/find-keys.js";
import type { CommandSpec } from "../../protocol/command-table/types.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import { globMatch } from "../commands/support/glob.js";
import { findAclCommand } from "./catalogue.js";
import { READ, type Selector, WRITE } from "./selector.js";
import type { User } from "./user.js";

/** Why a command is denied, and which argument is to blame (0 for the command itself). */
export interface Denial {
  readonly reason: "command" | "key" | "channel";
  readonly position: number;
}

/** Of two denials by different selectors the graver to report is the one that came further. */
const RANK = { command: 0, key: 1, channel: 2 } as const;
const DENIED_COMMAND: Denial = { reason: "command", position: 0 };

/** Whether a user may run this call; null = yes. The arity is right. */
export function denialOf(user: User, spec: CommandSpec, args: readonly Bytes[]): Denial | null {
  if (user.unrestricted) return null;
  const keys = new KeysOfCall(spec, args);
  let worst = DENIED_COMMAND;
  for (const selector of user.selectors) {
    const denial = selectorDenial(selector, spec, args, keys);
    if (denial === null) return null;
    const further = RANK[denial.reason] - RANK[worst.reason];
    if (further > 0 || (further === 0 && denial.position > worst.position)) worst = denial;
  }
  return worst;
}

/** Whether one selector allows this call and besides reading any key there is, as SORT's BY and GET need it. */
export function mayReadAnyKey(user: User, spec: CommandSpec, args: readonly Bytes[]): boolean {
  if (user.unrestricted) return true;
  const keys = new KeysOfCall(spec, args);
  return user.selectors.some(
    (selector) =>
      selectorDenial(selector, spec, args, keys) === null &&
      (selector.allKeys || selector.keys.some(({ pattern, access }) => pattern === "*" && (access & READ) !== 0)),
  );
}

/** Whether a user may listen to a channel; a pattern must be allowed literally. */
export function channelAllowed(patterns: readonly Bytes[], channel: Bytes, isPattern: boolean): boolean {
  return patterns.some((pattern) => (isPattern ? pattern === channel : globMatch(pattern, channel)));
}

function selectorDenial(
  selector: Selector,
  spec: CommandSpec,
  args: readonly Bytes[],
  keys: KeysOfCall,
): Denial | null {
  if (!commandAllowed(selector, spec, args)) return DENIED_COMMAND;
  if (!selector.allKeys) {
    for (const { position, flags } of keys.found) {
      if (!keyAllowed(selector, args[position] as Bytes, flags)) return { reason: "key", position };
    }
  }
  return selector.allChannels ? null : channelDenial(selector, spec.name, args);
}

function commandAllowed(selector: Selector, spec: CommandSpec, args: readonly Bytes[]): boolean {
  if (selector.allCommands || spec.flags.includes("no_auth")) return true;
  const command = findAclCommand(spec.name);
  if (command === undefined) return false;
  if (selector.allows(command)) return true;
  const first = args[1]?.toLowerCase();
  return first !== undefined && selector.firstArgsOf(command).some((allowed) => allowed.toLowerCase() === first);
}

function keyAllowed(selector: Selector, key: Bytes, flags: readonly string[]): boolean {
  let needed = flags.includes("access") ? READ : 0;
  if (flags.includes("insert") || flags.includes("delete") || flags.includes("update")) needed |= WRITE;
  return selector.keys.some(({ pattern, access }) => (access & needed) === needed && globMatch(pattern, key));
}

/** Commands that name channels: how many arguments are channels, and whether they are patterns. Leaving is free. */
const CHANNELS: ReadonlyMap<string, { readonly count: number; readonly isPattern: boolean }> = new Map([
  ["subscribe", { count: Number.POSITIVE_INFINITY, isPattern: false }],
  ["ssubscribe", { count: Number.POSITIVE_INFINITY, isPattern: false }],
  ["psubscribe", { count: Number.POSITIVE_INFINITY, isPattern: true }],
  ["publish", { count: 1, isPattern: false }],
  ["spublish", { count: 1, isPattern: false }],
]);

function channelDenial(selector: Selector, name: string, args: readonly Bytes[]): Denial | null {
  const channels = CHANNELS.get(name);
  if (channels === undefined) return null;
  for (let position = 1; position < args.length && position <= channels.count; position++) {
    if (!channelAllowed(selector.channels, args[position] as Bytes, channels.isPattern)) {
      return { reason: "channel", position };
    }
  }
  return null;
}

/** The keys of a call, looked for at most once however many selectors ask. */
class KeysOfCall {
  #found: readonly FoundKey[] | null = null;

  constructor(
    private readonly spec: CommandSpec,
    private readonly args: readonly Bytes[],
  ) {}

  get found(): readonly FoundKey[] {
    // A call that contradicts its key specs fails by itself: no key is touched.
    this.#found ??= findKeys(this.spec, this.args) ?? [];
    return this.#found;
  }
}
