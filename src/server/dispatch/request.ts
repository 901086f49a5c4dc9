import type { Bytes } from "../../protocol/resp/reply.js";
import type { Command } from "./registry.js";

/** Bytes of a request's arguments. */
export function bytesOf(args: readonly Bytes[]): number {
  let bytes = 0;
  for (const argument of args) bytes += argument.length;
  return bytes;
}

/** Whether a call has as many arguments as the command takes. */
export function arityFits(command: Command, args: readonly Bytes[]): boolean {
  const { arity } = command.spec;
  return arity >= 0 ? args.length === arity : args.length >= -arity;
}

/** Whether a request is a browser's, led here by somebody else's page. */
export function isHttp(name: Bytes): boolean {
  const lower = name.length <= 5 ? name.toLowerCase() : "";
  return lower === "post" || lower === "host:";
}
