import type { Bytes } from "../../../protocol/resp/reply.js";
import { ErrorReply } from "../../../protocol/resp/reply.js";

const BAD_NAME = new ErrorReply("ERR Client names cannot contain spaces, newlines or special characters.");

/** Why a connection cannot have this name; null if it can. The name stands in lines of words, so it must be one. */
export function checkClientName(name: Bytes): ErrorReply | null {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code < 33 || code > 126) return BAD_NAME;
  }
  return null;
}
