import type { Bytes } from "../../../protocol/resp/reply.js";
import type { LuaMachine } from "./machine.js";
import { placeOfError } from "./stack-place.js";

/** A place in a script. */
export interface Place {
  readonly source: Bytes;
  readonly line: number;
}

/** How a run is left in the midst of a native function, and taken up with the function's result or the error it raises. */
export class LeftRun {
  /** Where the error was raised that ended the run, if it was one of ours; the stack shows the line behind it. */
  raisedAt: Place | null = null;
  #at = 0;
  #place: Place | null = null;
  #answer: ((L: number) => void) | null = null;
  #raising: ((L: number) => void) | null = null;

  constructor(private readonly m: LuaMachine) {}

  leave(L: number): number {
    this.#at = L;
    this.#place = placeOfError(this.m, L);
    return this.m.c.lua_yield(L, 0);
  }

  /** `push` leaves the result on a stack; with `raises` it is an error, which the next instruction of the script raises. */
  begin(push: (L: number) => void, raises: boolean, hook: (L: number) => void): void {
    this.#answer = raises ? (L) => this.m.c.lua_pushnil(L) : push;
    this.#raising = raises ? push : null;
    if (raises) hook(this.#at);
  }

  /** Pushes the result on every stack between the thread and where it was left; 0 if there is none. */
  push(L: number): number {
    this.#answer?.(L);
    return this.#answer === null ? 0 : 1;
  }

  end(): void {
    this.#answer = null;
  }

  /** True if the error is on top of the stack now, to be raised. */
  pushError(running: number, thread: number): boolean {
    const push = this.#raising;
    if (push === null || running !== this.#at) return false;
    this.#raising = null;
    if (running === thread) this.raisedAt = this.#place;
    push(running);
    return true;
  }
}
