/** Refuses a case of a table that has a field its runner does not know: a misspelt one would be tested by nobody. */
export function strictCase(one: object, known: readonly string[]): void {
  const strange = Object.keys(one).filter((key) => !known.includes(key));
  if (strange.length > 0) throw new Error(`unknown field ${strange.join(", ")} in ${JSON.stringify(one)}`);
}

/** Refuses a table in which two cases have one name. */
export function uniqueNames<T extends { readonly name: string }>(cases: readonly T[]): readonly T[] {
  const seen = new Set<string>();
  for (const { name } of cases) {
    if (seen.has(name)) throw new Error(`two cases are named "${name}"`);
    seen.add(name);
  }
  return cases;
}
