import type { Bytes } from "./reply.js";

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

/**
 * Splits a line into arguments as inline commands and redis.conf do: blanks separate; `"…"` knows \n \r \t \b \a \xHH
 * and \<any>; `'…'` knows \'; a closing quote must be followed by a blank or the end.
 * @returns null if quotes don't balance
 */
export function splitArguments(line: Bytes): Bytes[] | null {
  const args: Bytes[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line, at)) at++;
    if (at >= line.length) return args;
    let current = "";
    while (at < line.length && !isBlank(line, at)) {
      const char = line.charAt(at);
      if (char === '"' || char === "'") {
        const quoted = char === '"' ? readDouble(line, at + 1) : readSingle(line, at + 1);
        if (quoted === null) return null;
        current += quoted.text;
        at = quoted.end;
        if (at < line.length && !isBlank(line, at)) return null;
        break;
      }
      current += char;
      at++;
    }
    args.push(current);
  }
}

/** C's isspace, and NUL, which ends the line there. */
function isBlank(line: Bytes, at: number): boolean {
  const code = line.charCodeAt(at);
  return code === 32 || code === 0 || (code >= 9 && code <= 13);
}

interface Quoted {
  readonly text: Bytes;
  /** Index behind the closing quote. */
  readonly end: number;
}

function readDouble(line: Bytes, start: number): Quoted | null {
  let text = "";
  for (let at = start; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char !== "\\" || at + 1 >= line.length) {
      text += char;
      continue;
    }
    const hex = line.slice(at + 2, at + 4);
    if (line.charAt(at + 1) === "x" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 3;
    } else {
      at++;
      text += ESCAPES[line.charAt(at)] ?? line.charAt(at);
    }
  }
  return null;
}

function readSingle(line: Bytes, start: number): Quoted | null {
  let text = "";
  for (let at = start; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === "'") return { text, end: at + 1 };
    if (char === "\\" && line.charAt(at + 1) === "'") at++;
    text += line.charAt(at);
  }
  return null;
}
