import type { Bytes } from "../../protocol/resp/reply.js";
import type { Command } from "./registry.js";

const REDACTED = "(redacted)";
/** Directives whose value is a secret. */
const SECRETS = new Set(["requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"]);

/** The arguments as MONITOR and SLOWLOG may show them: without passwords. */
export function redacted(command: Command, args: readonly Bytes[]): readonly Bytes[] {
  switch (command.name) {
    case "auth":
      return args.map((arg, i) => (i === 0 ? arg : REDACTED));
    case "hello": {
      const at = args.findIndex((arg, i) => i > 1 && arg.toLowerCase() === "auth");
      return at < 0 ? args : args.map((arg, i) => (i === at + 1 || i === at + 2 ? REDACTED : arg));
    }
    case "migrate":
      return args.map((arg, i) => (i > 5 && isSecretOfMigrate(args, i) ? REDACTED : arg));
    case "config|set":
      return args.map((arg, i) => (i % 2 === 1 && SECRETS.has((args[i - 1] as Bytes).toLowerCase()) ? REDACTED : arg));
    case "acl|setuser":
      return args.map((arg, i) => (i < 2 ? arg : REDACTED));
    default:
      return args;
  }
}

/** The words behind AUTH and AUTH2, before KEYS. */
function isSecretOfMigrate(args: readonly Bytes[], at: number): boolean {
  for (let i = 6; i <= at; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    if (word === "keys") return false;
    const secrets = word === "auth" ? 1 : word === "auth2" ? 2 : 0;
    if (at > i && at <= i + secrets) return true;
    i += secrets;
  }
  return false;
}
