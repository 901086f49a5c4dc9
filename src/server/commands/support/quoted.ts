import type { Bytes } from "../../../protocol/resp/reply.js";

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
};

/** Bytes in quotes with what is not printable ASCII escaped, as MONITOR, CONFIG REWRITE and logs show them. */
export function quoted(text: Bytes): string {
  let out = '"';
  for (const char of text) {
    const code = char.charCodeAt(0);
    out += ESCAPES[char] ?? (code >= 32 && code < 127 ? char : `\\x${code.toString(16).padStart(2, "0")}`);
  }
  return `${out}"`;
}
