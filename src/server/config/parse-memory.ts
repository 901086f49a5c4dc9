import type { Bytes } from "../../protocol/resp/reply.js";

const UNITS: Readonly<Record<string, bigint>> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** Bytes meant by `100`, `1k`, `64mb` …; null if it is nothing of the kind. No amount is negative. */
export function parseMemory(text: Bytes): bigint | null {
  const found = /^(\d{1,20})([a-z]{0,2})$/i.exec(text);
  const unit = UNITS[found?.[2]?.toLowerCase() ?? "?"];
  if (found === null || unit === undefined) return null;
  const bytes = BigInt(found[1] as string) * unit;
  return bytes < 2n ** 64n ? bytes : null;
}

/** The shortest whole form of an amount, as CONFIG REWRITE writes it: `64mb`, `1kb`, `1000`. */
export function memoryText(bytes: bigint): string {
  for (const unit of ["gb", "mb", "kb"] as const) {
    const size = UNITS[unit] as bigint;
    if (bytes !== 0n && bytes % size === 0n) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
