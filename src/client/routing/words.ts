/** Whether an argument is the keyword `upper` (given in upper case), in any letter case, as a string or a Buffer. */
export function isWord(arg: unknown, upper: string): boolean {
  if (typeof arg === "string") return arg.length === upper.length && arg.toUpperCase() === upper;
  return Buffer.isBuffer(arg) && arg.length === upper.length && arg.toString("latin1").toUpperCase() === upper;
}

/** Index of the keyword `upper` in `args` from `from` on; -1 without it. */
export function indexOfWord(args: readonly unknown[], upper: string, from: number): number {
  for (let i = from; i < args.length; i++) if (isWord(args[i], upper)) return i;
  return -1;
}

/** An argument that counts something; 0 if it is no positive integer. */
export function countIn(arg: unknown): number {
  const count = typeof arg === "number" ? arg : Number(String(arg));
  return Number.isInteger(count) && count > 0 ? count : 0;
}
