import type { EventEmitter } from "node:events";
import { hide } from "./connection/generated-methods.js";

const METHODS = [
  ...(["on", "once", "off", "addListener", "removeListener", "removeAllListeners", "prependListener"] as const),
  ...(["prependOnceListener", "emit", "listenerCount", "listeners", "rawListeners", "eventNames"] as const),
];

/** Gives a view events of its own, for one that must not hear its client's. */
export function giveOwnEvents(view: object, own: EventEmitter): void {
  for (const method of METHODS)
    hide(view, method, (...args: unknown[]) => {
      const result: unknown = (own[method] as (...args: unknown[]) => unknown).apply(own, args);
      return result === own ? view : result;
    });
}
