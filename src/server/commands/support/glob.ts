import type { Bytes } from "../../../protocol/resp/reply.js";

const STAR = 42;
const QUESTION = 63;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;
const CARET = 94;
const DASH = 45;

/**
 * Whether `text` matches the glob `pattern` as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET understand it: `*`, `?`,
 * `[a-z]`, `[^a]`, `\x`. An unclosed class ends with the pattern. Only the last `*` is ever tried again, so the time
 * is bounded by the product of both lengths whatever the pattern.
 */
export function globMatch(pattern: Bytes, text: Bytes, ignoreCase = false): boolean {
  if (text.length === 0) return pattern.length === 0;
  const p = ignoreCase ? lowerAscii(pattern) : pattern;
  const t = ignoreCase ? lowerAscii(text) : text;
  let at = 0;
  let from = 0;
  let starAt = -1;
  let starFrom = 0;
  while (from < t.length) {
    if (p.charCodeAt(at) === STAR) {
      starAt = ++at;
      starFrom = from;
      if (at === p.length) return true;
      continue;
    }
    const next = at < p.length ? matchOne(p, at, t.charCodeAt(from)) : -1;
    if (next >= 0) {
      at = next;
      from++;
    } else {
      if (starAt < 0) return false;
      at = starAt;
      from = ++starFrom;
    }
  }
  while (p.charCodeAt(at) === STAR) at++;
  return at === p.length;
}

/** Matches one character at `pattern[at]`; the position behind what was used, or -1. */
function matchOne(pattern: Bytes, at: number, code: number): number {
  const kind = pattern.charCodeAt(at);
  if (kind === QUESTION) return at + 1;
  if (kind === OPEN) return matchClass(pattern, at + 1, code);
  if (kind === BACKSLASH && at + 1 < pattern.length) at++;
  return pattern.charCodeAt(at) === code ? at + 1 : -1;
}

function matchClass(pattern: Bytes, start: number, code: number): number {
  let at = start;
  const negated = pattern.charCodeAt(at) === CARET;
  if (negated) at++;
  let matched = false;
  for (; at < pattern.length && pattern.charCodeAt(at) !== CLOSE; at++) {
    if (pattern.charCodeAt(at) === BACKSLASH && at + 1 < pattern.length) {
      at++;
      if (pattern.charCodeAt(at) === code) matched = true;
    } else if (at + 2 < pattern.length && pattern.charCodeAt(at + 1) === DASH) {
      const left = pattern.charCodeAt(at);
      const right = pattern.charCodeAt(at + 2);
      if (code >= Math.min(left, right) && code <= Math.max(left, right)) matched = true;
      at += 2;
    } else if (pattern.charCodeAt(at) === code) {
      matched = true;
    }
  }
  if (matched === negated) return -1;
  return Math.min(at + 1, pattern.length);
}

/** Lower case for A–Z only; other bytes of a byte string are no letters to Redis. */
export function lowerAscii(text: Bytes): Bytes {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
