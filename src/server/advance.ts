import type { Clock } from "../core/clock.js";
import { systemClock } from "../core/clock.js";
import { ManualClock } from "../core/manual-clock.js";
import type { Transport } from "./net/transport.js";

/** Turns of the event loop in which bytes of loopback sockets arrive, usually. */
const SOCKET_TURNS = 6;

/** Moves a manual clock from one due timer to the next, and lets bytes and promises settle in between. */
export async function advanceClock(clock: Clock, ms: number, transport: Transport | undefined): Promise<void> {
  if (!(clock instanceof ManualClock)) throw new Error("only a manualClock() can be moved: start with { clock }");
  if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`milliseconds must be a finite number from 0 on: ${ms}`);
  const settle = (): Promise<void> => transport?.quiet?.() ?? turns(SOCKET_TURNS);
  await settle();
  const endMs = clock.now() + ms;
  for (let dueMs = clock.nextDue; dueMs !== null && dueMs <= endMs; dueMs = clock.nextDue) {
    clock.advance(Math.max(0, dueMs - clock.now()));
    await settle();
  }
  clock.advance(Math.max(0, endMs - clock.now()));
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => systemClock.setImmediate(resolve));
}
