import { findKeys } from "../../protocol/command-table/find-keys.js";
import type { Bytes } from "../../protocol/resp/reply.js";
import type { Client } from "../dispatch/client.js";
import type { Fault } from "../dispatch/hooks.js";
import type { Command } from "../dispatch/registry.js";
import type { CommandFaultHandle, CommandFilter, FaultClient, FaultRequest } from "./types.js";

/** A fault of commands that holds. */
interface Rule {
  readonly filter: CommandFilter;
  readonly names: ReadonlySet<string> | null;
  /** Of a command's flag bits, where no filter was given: what a real server refuses in that state. */
  readonly scope: ((bits: number) => boolean) | null;
  readonly fault: Fault;
  toPass: number;
  left: number;
  hits: number;
}

/** Faults by command, client, key or count: the first that was given and takes a command has it. */
export class CommandFaults {
  readonly #rules = new Set<Rule>();

  /** Nothing holds: what every command asks first. */
  get none(): boolean {
    return this.#rules.size === 0;
  }

  /** @param scope which flag bits it takes if neither command, key nor predicate is named */
  add(fault: Fault, filter: CommandFilter, scope: ((bits: number) => boolean) | null = null): CommandFaultHandle {
    const { commands, keys, where, times = Number.POSITIVE_INFINITY, after = 0 } = filter;
    if (!(times >= 1)) throw new RangeError(`times must be at least 1, got ${times}`);
    if (!(after >= 0)) throw new RangeError(`after must be at least 0, got ${after}`);
    const rule: Rule = {
      filter,
      names: commands ? new Set(commands.map((name) => name.toLowerCase())) : null,
      scope: commands || keys || where ? null : scope,
      fault,
      toPass: after,
      left: times,
      hits: 0,
    };
    return this.#handle(this.#rules, rule);
  }

  /** What is to become of a command; null = nothing. */
  take(client: Client, command: Command | undefined, args: readonly Bytes[]): Fault | null {
    for (const rule of this.#rules) {
      if (!matches(rule, client, command, args)) continue;
      if (rule.toPass > 0) {
        rule.toPass--;
        continue;
      }
      rule.hits++;
      if (--rule.left <= 0) this.#rules.delete(rule);
      return rule.fault;
    }
    return null;
  }

  clear(): void {
    this.#rules.clear();
  }

  #handle(rules: Set<Rule>, rule: Rule): CommandFaultHandle {
    rules.add(rule);
    return {
      clear: () => void rules.delete(rule),
      get hits() {
        return rule.hits;
      },
      get active() {
        return rules.has(rule);
      },
    };
  }
}

function matches(rule: Rule, client: Client, command: Command | undefined, args: readonly Bytes[]): boolean {
  const { filter, names, scope } = rule;
  const name = command?.name ?? String(args[0]).toLowerCase();
  if (names !== null && !names.has(name) && !names.has(name.split("|", 1)[0] as string)) return false;
  if (scope !== null && !scope(command?.flagBits ?? 0)) return false;
  if (filter.client !== undefined) {
    const who = clientOf(client);
    for (const [field, wanted] of Object.entries(filter.client)) {
      if (who[field as keyof FaultClient] !== wanted) return false;
    }
  }
  if (filter.keys === undefined && filter.where === undefined) return true;
  const request: FaultRequest = {
    command: name,
    args: args.map(utf8),
    keys: command ? (findKeys(command.spec, args) ?? []).map(({ position }) => utf8(args[position] as Bytes)) : [],
    client: clientOf(client),
  };
  const { keys } = filter;
  if (keys && !request.keys.some((key) => keys.some((one) => (typeof one === "string" ? one === key : one.test(key)))))
    return false;
  return filter.where?.(request) ?? true;
}

function clientOf(client: Client): FaultClient {
  const peer = client.connection?.endpoints.peer;
  return {
    id: client.id,
    name: utf8(client.name),
    address: peer ? `${peer.host}:${peer.port}` : "",
    user: utf8(client.user.name),
  };
}

function utf8(bytes: Bytes): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
