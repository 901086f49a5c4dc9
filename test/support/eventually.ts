import { setTimeout as sleep } from "node:timers/promises";

/**
 * Polls a condition until it holds. A thrown assertion or a returned `false` means "not yet"; anything else is success.
 *
 * @returns what the function returned at last
 * @throws after `timeoutMs` (default 10 s), with the last reason as its cause
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<Awaited<T>> {
  const { timeoutMs = 10_000, intervalMs = 5 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let reason: unknown = "the condition stayed false";
    try {
      const value = await condition();
      if (value !== false) return value;
    } catch (error) {
      reason = error;
    }
    if (performance.now() > deadline) {
      const words = reason instanceof Error ? reason.message : String(reason);
      throw new Error(`not within ${timeoutMs} ms: ${words}`, { cause: reason });
    }
    await sleep(intervalMs);
  }
}
