import { isUtf8 } from "node:buffer";

interface WellFormed {
  isWellFormed(): boolean;
  toWellFormed(): string;
}

/** No well-formed string starts with it, so that names of binary keys meet no name of a text key. */
const BINARY = "\ud800";

/**
 * The name under which a key is remembered: equal exactly where the bytes on the wire are equal, whether the caller
 * wrote a string, a number or a Buffer.
 */
export function keyName(key: unknown): string {
  if (typeof key === "string") {
    const text = key as string & WellFormed;
    return text.isWellFormed() ? key : text.toWellFormed();
  }
  if (Buffer.isBuffer(key)) return isUtf8(key) ? key.toString("utf8") : BINARY + key.toString("latin1");
  return String(key);
}

/** A key's name as shown to people: bytes that are no text are shown as Latin-1. */
export function shownKey(name: string): string {
  return name.startsWith(BINARY) ? name.slice(1) : name;
}
