/** Number of letters to insert, drop, change or swap with a neighbour, to make `b` of `a`; case counts half. */
export function editDistance(a: string, b: string): number {
  const same = (x: string | undefined, y: string | undefined): number =>
    x === y ? 0 : x?.toLowerCase() === y?.toLowerCase() ? 0.5 : 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + same(a[row - 1], b[column - 1]),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    before = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** The one of `known` that `name` was most likely meant to be; the first of equals. A name cut short is near. `known` must not be empty. */
export function nearestName(name: string, known: readonly string[]): string {
  let best = known[0] ?? "";
  let distance = Number.POSITIVE_INFINITY;
  // Nobody means an option by a name of a thousand letters, and the distance costs the product of the lengths.
  const probe = name.slice(0, 64);
  for (const candidate of known) {
    const begun = probe.length >= 3 && candidate.toLowerCase().startsWith(probe.toLowerCase());
    const one = begun ? 1 : editDistance(probe, candidate);
    if (one < distance) {
      distance = one;
      best = candidate;
    }
  }
  return best;
}
