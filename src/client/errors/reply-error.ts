import { type ErrorCommand, errorCommand } from "./base.js";

/** What is added, not enumerable, to a server's error reply. */
export interface DecoratedReplyError extends Error {
  readonly node?: string;
  /** First word of the message, such as `WRONGTYPE`. */
  readonly code: string;
  readonly command: ErrorCommand;
}

function hide(error: Error, name: string, value: unknown): void {
  Object.defineProperty(error, name, { value, enumerable: false, configurable: true, writable: true });
}

/**
 * Adds `node`, `code` and `command` to an error reply of a server and takes away the values of the call:
 * ioredis hangs the whole command with its arguments on the error, passwords of AUTH included. Class, name,
 * message and stack stay. Works on frozen errors as far as they allow: then a fresh copy is returned.
 */
export function decorateReplyError(
  error: Error,
  place: { readonly node?: string | undefined; readonly command: string },
): DecoratedReplyError {
  let target = error;
  if (!Object.isExtensible(error)) {
    target = Object.create(Object.getPrototypeOf(error) as object) as Error;
    hide(target, "message", error.message);
    hide(target, "stack", error.stack);
  }
  const space = error.message.indexOf(" ");
  hide(target, "code", space === -1 ? error.message : error.message.slice(0, space));
  hide(target, "command", errorCommand(place.command));
  if (place.node !== undefined) hide(target, "node", place.node);
  // ioredis keeps the failed commands of an aborted transaction there, arguments and all.
  if ("previousErrors" in target) {
    const previous = (target as { previousErrors?: unknown }).previousErrors;
    if (Array.isArray(previous)) {
      for (const one of previous) {
        if (one instanceof Error) decorateReplyError(one, { node: place.node, command: nameOf(one) ?? "unknown" });
      }
    }
  }
  return target as DecoratedReplyError;
}

function nameOf(error: Error): string | null {
  const command = (error as { command?: { name?: unknown } }).command;
  return typeof command?.name === "string" ? command.name : null;
}
