import type { Bytes } from "../../../protocol/resp/reply.js";
import { ErrorReply } from "../../../protocol/resp/reply.js";
import { errors, fail } from "../../dispatch/errors.js";
import { parseInteger } from "./integer.js";

/** How a command words a time: relative or since 1970, in seconds or milliseconds. */
export type ExpiryUnit = "ex" | "px" | "exat" | "pxat";

/** Options of SET behind the value. */
export interface SetOptions {
  get: boolean;
  when: "nx" | "xx" | null;
  keepTtl: boolean;
  /** Milliseconds since 1970. */
  expireAt: number | null;
}

/** Reads SET's options, `args[3]` and on. */
export function parseSetOptions(nowMs: number, args: readonly Bytes[]): SetOptions {
  const options: SetOptions = { get: false, when: null, keepTtl: false, expireAt: null };
  let expiry: [Bytes, ExpiryUnit] | null = null;
  for (let i = 3; i < args.length; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    switch (word) {
      case "nx":
      case "xx":
        if (options.when !== null && options.when !== word) fail(errors.syntax);
        options.when = word;
        break;
      case "get":
        options.get = true;
        break;
      case "keepttl":
        if (expiry !== null) fail(errors.syntax);
        options.keepTtl = true;
        break;
      case "ex":
      case "px":
      case "exat":
      case "pxat":
        if (expiry !== null || options.keepTtl || i + 1 >= args.length) fail(errors.syntax);
        expiry = [args[++i] as Bytes, word];
        break;
      default:
        fail(errors.syntax);
    }
  }
  if (expiry !== null) options.expireAt = expiryFromUnit(expiry[0], expiry[1], nowMs, "set");
  return options;
}

/** The time that is meant, in milliseconds since 1970; it must be positive and fit 64 bits. */
export function expiryFromUnit(text: Bytes, unit: ExpiryUnit, nowMs: number, command: string): number {
  const given = parseInteger(text) ?? fail(errors.notInteger);
  const invalid = new ErrorReply(`ERR invalid expire time in '${command}' command`);
  if (given <= 0) fail(invalid);
  const ms =
    BigInt(given) * (unit === "ex" || unit === "exat" ? 1000n : 1n) +
    (unit === "ex" || unit === "px" ? BigInt(nowMs) : 0n);
  return ms > 2n ** 63n - 1n ? fail(invalid) : Number(ms);
}
