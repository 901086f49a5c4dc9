/** Position of the first argument that is, or directly contains, `undefined`; -1 without one. A callback is none. */
export function findUndefined(args: readonly unknown[]): number {
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument === undefined) return i;
    if (typeof argument !== "object" || argument === null || Buffer.isBuffer(argument)) continue;
    if (Array.isArray(argument)) {
      if (argument.includes(undefined)) return i;
    } else if (argument instanceof Map) {
      for (const [key, value] of argument) if (key === undefined || value === undefined) return i;
    } else if (isPlainObject(argument)) {
      for (const value of Object.values(argument)) if (value === undefined) return i;
    }
  }
  return -1;
}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
