import type { Bytes } from "../../protocol/resp/reply.js";

/** A command as it stands in a replication stream: an array of bulk strings, as a byte string. */
export function encodeCommand(argv: readonly Bytes[]): Bytes {
  let out = `*${argv.length}\r\n`;
  for (const arg of argv) out += `$${arg.length}\r\n${arg}\r\n`;
  return out;
}

/** `SELECT <db>` as it stands in a stream. */
export function encodeSelect(db: number): Bytes {
  return encodeCommand(["SELECT", String(db)]);
}
