import { type Bytes, ErrorReply, OK, type Reply, SimpleString } from "../../protocol/resp/reply.js";
import { errors } from "../dispatch/errors.js";
import type { CommandGroup } from "../dispatch/registry.js";
import type { Replication } from "../replication/replication.js";

/** Commands that save, for the server whose data `of()` keeps. */
export function persistenceCommands(of: () => Replication): CommandGroup {
  return {
    save: () => save(of()),
    bgsave: (_ctx, args) => bgsave(of(), args),
    lastsave: () => of().lastSaveS,
  };
}

/** SAVE */
function save(replication: Replication): Reply {
  try {
    replication.saveToStore();
    return OK;
  } catch {
    // The system's error may name paths; Redis doesn't tell clients more either.
    return new ErrorReply("ERR");
  }
}

/** BGSAVE [SCHEDULE]: the dataset is cut at once, so that the answer is true from the start. */
function bgsave(replication: Replication, args: readonly Bytes[]): Reply {
  if (args.length > 2 || (args.length === 2 && (args[1] as Bytes).toLowerCase() !== "schedule")) return errors.syntax;
  const result = save(replication);
  return result === OK ? new SimpleString("Background saving started") : result;
}
