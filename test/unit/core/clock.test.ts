import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../src/core/clock.js";

// BLPOP with a timeout of centuries answered at once: Node.js takes a timer beyond 2³¹ ms for 1 ms.
describe("systemClock keeps waits of any length", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const DAY_MS = 86_400_000;

  test("a hundred days", () => {
    const run = vi.fn();
    systemClock.setTimer(run, 100 * DAY_MS);
    vi.advanceTimersByTime(100 * DAY_MS - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
  });

  test("and can be cleared in the middle of one", () => {
    const run = vi.fn();
    const timer = systemClock.setTimer(run, 100 * DAY_MS);
    vi.advanceTimersByTime(60 * DAY_MS);
    systemClock.clearTimer(timer);
    vi.advanceTimersByTime(60 * DAY_MS);
    expect(run).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
