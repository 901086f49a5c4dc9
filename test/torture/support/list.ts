import type { Fleet } from "./fleet.js";

const PAGE = 20_000;

/** A list in pieces: one reply stays within the deadline of a plain call. */
export async function list(fleet: Fleet, place: number, key: string): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const page = (await fleet.command(place, "LRANGE", key, values.length, values.length + PAGE - 1)) as string[];
    values.push(...page);
    if (page.length < PAGE) return values;
  }
}
