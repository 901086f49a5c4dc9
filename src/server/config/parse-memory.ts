import type { Bytes } from "../../protocol/resp/reply.js";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** Bytes meant by `100`, `1k`, `64mb` …; null if it is nothing of the kind. */
export function parseMemory(text: Bytes): number | null {
  const found = /^(-?\d+)([a-z]*)$/i.exec(text);
  const unit = UNITS[found?.[2]?.toLowerCase() ?? "?"];
  return found === null || unit === undefined ? null : Number(found[1]) * unit;
}
