import { type Bytes, ErrorReply, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import type { CommandContext } from "../dispatch/context.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import { type Move, moveKeys } from "../migration/move.js";
import { longArg } from "./support/arguments.js";

/** MIGRATE. https://redis.io/docs/latest/commands/migrate/ */
export const migrateCommands: CommandGroup = { migrate };

const NO_KEY = new SimpleString("NOKEY");
const KEY_AND_KEYS = new ErrorReply(
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
);
const NOT_HERE = new ErrorReply("ERR MIGRATE is not possible at this place of a script");
const DEFAULT_TIMEOUT_MS = 1000;
/** What a timer can wait at most. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

interface Options {
  copy: boolean;
  replace: boolean;
  credentials: readonly Bytes[];
  keys: readonly Bytes[];
}

/** MIGRATE host port key|"" destination-db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS key …] */
function migrate(ctx: CommandContext, args: readonly Bytes[]): Reply {
  const options = readOptions(args);
  if (options instanceof ErrorReply) return options;
  const timeoutMs = longArg(args[5] as Bytes);
  const db = longArg(args[4] as Bytes);
  const keys = options.keys.filter((key) => ctx.db.lookup(key) !== undefined);
  if (keys.length === 0) return NO_KEY;
  const port = Number.parseInt(args[2] as Bytes, 10) || 0;
  if (port < 0 || port > 65535) return new ErrorReply("IOERR error or timeout connecting to the client");
  const move: Move = {
    ...options,
    host: args[1] as Bytes,
    port,
    keys,
    db,
    timeoutMs: timeoutMs <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(timeoutMs, LONGEST_TIMEOUT_MS),
  };
  // Nobody may see or change the keys while they are on their way: a real server answers nobody meanwhile.
  return ctx.suspend((done) => moveKeys(ctx, move, done), NOT_HERE);
}

function readOptions(args: readonly Bytes[]): Options | ErrorReply {
  const options: Options = { copy: false, replace: false, credentials: [], keys: [args[3] as Bytes] };
  for (let i = 6; i < args.length; i++) {
    const word = (args[i] as Bytes).toLowerCase();
    const left = args.length - 1 - i;
    const secrets = word === "auth" ? 1 : word === "auth2" ? 2 : 0;
    if (word === "copy") options.copy = true;
    else if (word === "replace") options.replace = true;
    else if (secrets > 0 && left >= secrets) {
      options.credentials = args.slice(i + 1, i + 1 + secrets);
      i += secrets;
    } else if (word === "keys") {
      if (args[3] !== "") return KEY_AND_KEYS;
      options.keys = args.slice(i + 1);
      break;
    } else return errors.syntax;
  }
  return options;
}
