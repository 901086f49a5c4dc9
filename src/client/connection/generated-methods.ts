import { type ChainableCommander, Command, Pipeline, Redis, type RedisOptions, type ScanStreamOptions } from "ioredis";
import { InvalidArgumentError } from "../errors.js";
import { findUndefined } from "./arguments.js";
import { LeanCommand, leanArguments, mayBeLean } from "./lean-command.js";
import { type OnNodeLost, scanStream } from "./scan-streams.js";

/** On a client: whether replies have the plain shapes that need no ioredis `Command`. */
export const LEAN = Symbol("lean");

function isLean(client: object): boolean {
  return (client as { readonly [LEAN]?: boolean })[LEAN] === true;
}

/** Defines what `for … in` and `util.inspect` pass over. */
export function hide(target: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: false, writable: true, configurable: true });
}

type Generated = (
  this: { options: RedisOptions; sendCommand(command: Command): unknown },
  ...args: unknown[]
) => unknown;

/**
 * ioredis turns `undefined` into an empty string, which has deleted more than one database field. The command
 * methods of this client, and of its pipelines, refuse it; otherwise they do what ioredis's do.
 */
function checked(name: string, generated: Generated): Generated {
  return function (this, ...args) {
    const position = findUndefined(args);
    if (position < 0) return generated.apply(this, args);
    const callback = args[args.length - 1];
    const error = new InvalidArgumentError(`argument ${position + 1} of ${name.toUpperCase()} is undefined`, {
      command: name,
    });
    const command = new Command(name, [], {}, typeof callback === "function" ? (callback as never) : undefined);
    command.reject(error);
    return "isPipeline" in this ? (command.promise.catch(() => {}), this.sendCommand(command)) : command.promise;
  };
}

/** The same for the client itself, where most calls are plain: they go without ioredis's `Command`. */
function lean(name: string, text: boolean, generated: Generated): Generated {
  const full = checked(name, generated);
  return function (this, ...args) {
    const plain =
      this.options.keyPrefix || this.options.showFriendlyErrorStack || !isLean(this) || !mayBeLean(name)
        ? null
        : leanArguments(args);
    if (plain === null) return full.apply(this, args);
    const command = new LeanCommand(name, plain, text);
    this.sendCommand(command as never);
    return command.promise;
  };
}

class CheckedPipeline extends Pipeline {}

const ioredisPrototype = Redis.prototype as unknown as {
  pipeline(): ChainableCommander;
  multi(options?: object): ChainableCommander;
};

function checkedPipeline(pipeline: ChainableCommander, commands: unknown[][] | undefined): ChainableCommander {
  Object.setPrototypeOf(pipeline, CheckedPipeline.prototype);
  if (Array.isArray(commands)) (pipeline as unknown as { addBatch(commands: unknown[][]): void }).addBatch(commands);
  return pipeline;
}

/** Not plain commands: they take options or a callback, and have a meaning of their own. */
const SPECIAL = new Set(["multi", "exec", "quit", "monitor"]);

/** Gives a client class derived from ioredis's its command methods, pipelines and scan streams. */
export function installMethods(prototype: Redis): void {
  hide(prototype, "pipeline", function (this: Redis, commands?: unknown[][]): ChainableCommander {
    return checkedPipeline(ioredisPrototype.pipeline.call(this), commands);
  });

  hide(prototype, "multi", function (this: Redis, commands?: unknown, options?: unknown): unknown {
    const given = (Array.isArray(commands) ? options : commands) as { pipeline?: boolean } | undefined;
    const made = ioredisPrototype.multi.call(this, given);
    return given?.pipeline === false ? made : checkedPipeline(made, Array.isArray(commands) ? commands : undefined);
  });

  /** Where all scan streams of ioredis are made. */
  hide(
    prototype,
    "createScanStream",
    function (
      this: Redis,
      command: string,
      { key, options = {} }: { key?: unknown; options?: ScanStreamOptions & { onNodeLost?: OnNodeLost } },
    ) {
      return scanStream((this as unknown as { with(options: object): Redis }).with({}), command, key, options);
    },
  );

  for (const name of [...Redis.prototype.getBuiltinCommands(), "call"]) {
    if (SPECIAL.has(name)) continue;
    for (const method of [name, `${name}Buffer`]) {
      const onClient = (Redis.prototype as unknown as Record<string, Generated>)[method];
      const onPipeline = (Pipeline.prototype as unknown as Record<string, Generated>)[method];
      if (onClient)
        hide(prototype, method, name === "call" ? checked(name, onClient) : lean(name, method === name, onClient));
      if (onPipeline) hide(CheckedPipeline.prototype, method, checked(name, onPipeline));
    }
  }
}
