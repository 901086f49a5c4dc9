import { Aof } from "./aof/aof.js";
import { type LogDirectory, MemoryLogDirectory } from "./aof/directory.js";
import { persistenceCommands } from "./commands/persistence.js";
import { replicationCommands } from "./commands/replication.js";
import type { RdbStore } from "./rdb/store.js";
import { Replication } from "./replication/replication.js";
import { ServerCore } from "./server-core.js";
import type { ServerCoreOptions } from "./server-core-options.js";
import { Shutdown } from "./shutdown.js";

/** A server with replication, not listening yet. */
export interface AssembledServer {
  readonly core: ServerCore;
  readonly replication: Replication;
  /**
   * Loads what the store holds, listens, and follows a master if there is one to follow.
   * @param master null: start as a master
   * @param listening told when the sockets are open, before anything is loaded
   */
  start(
    master: { readonly host: string; readonly port: number } | null,
    beforeFollowing?: () => void,
    listening?: () => void,
  ): Promise<void>;
}

/** Joins core and replication. `store` is where SAVE puts the dataset and where a start finds it, `logDirectory` is for the append-only log. */
export function assembleServer(
  options: Omit<ServerCoreOptions, "groups"> & { readonly store: RdbStore; readonly logDirectory?: LogDirectory },
): AssembledServer {
  const { store, logDirectory = new MemoryLogDirectory(), ...rest } = options;
  const of = (): Replication => replication;
  const core = new ServerCore({ ...rest, groups: [replicationCommands(of), persistenceCommands(of)] });
  const replication: Replication = new Replication(core, store);
  core.replication = replication;
  const aof = new Aof(core, logDirectory);
  core.aof = aof;
  core.shutdown = new Shutdown({
    core,
    replicas: () => replication.replicas.describe(),
    offset: () => replication.offset,
    save: () => {
      replication.saver.cancel();
      replication.saver.save();
    },
    finishLog: (force) => aof.finish(force),
  });
  return {
    core,
    replication,
    async start(master, beforeFollowing, listening) {
      // Those who connect meanwhile are told that the dataset is loading.
      await core.listen();
      listening?.();
      // Where there is to be a log, it tells the data, or that there is none.
      if (aof.find()) await aof.load();
      else if (!core.config.flag("appendonly")) {
        const file = store.read();
        if (file) await replication.restore(file, master !== null);
      }
      aof.open();
      beforeFollowing?.();
      if (master) replication.follow(master.host, master.port, true);
    },
  };
}
