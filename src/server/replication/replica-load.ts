import type { Loaded } from "../rdb/load.js";
import type { ServerCore } from "../server-core.js";
import type { Origin } from "./link-handlers.js";
import type { ReplicationSettings } from "./settings.js";

/**
 * How a replica takes in the dataset of a full resync, by repl-diskless-load. As from a disk: the old data stays until all
 * bytes are there, then makes room. Straight: from the first byte on this counts as loading; with `swapdb` the old data is kept
 * until the new is complete, and served meanwhile if both are of one history.
 */
export class ReplicaLoad {
  #straight: { readonly swap: boolean; readonly serving: boolean } | null = null;

  constructor(
    private readonly core: ServerCore,
    private readonly settings: ReplicationSettings,
  ) {}

  /**
   * A payload of `total` bytes (0: only a mark will tell) begins to come in.
   * @param ownReplid the history of the present data; null if it has none
   * @returns where it goes to, as the log says
   */
  begin(total: number, origin: Origin | null, ownReplid: string | null): "disk" | "parser" {
    const { core } = this;
    const { disklessLoad } = this.settings;
    const empty = core.databases.every((db) => db.size === 0);
    this.#straight = null;
    if (disklessLoad === "disabled" || (disklessLoad === "on-empty-db" && !empty)) return "disk";
    const swap = disklessLoad === "swapdb";
    this.#straight = { swap, serving: swap && origin !== null && origin.replid === ownReplid };
    core.loader.expect(total, this.#straight.serving);
    return "parser";
  }

  /** Says in the log what happens to the old data, when that is due. */
  note(moment: "begun" | "complete"): void {
    if ((moment === "begun") !== (this.#straight !== null)) return;
    if (this.#straight?.swap !== true) this.core.log("notice", "MASTER <-> REPLICA sync: Flushing old data");
    this.core.log("notice", "MASTER <-> REPLICA sync: Loading DB in memory");
  }

  /** Loads the complete payload; `wanted` as in `Loader.load`. */
  async load(payload: Buffer, wanted: () => boolean): Promise<Loaded> {
    const { core } = this;
    const straight = this.#straight;
    this.#straight = null;
    if (core.saver?.inProgress) {
      core.log(
        "notice",
        `Replica is about to load the RDB file received from the master, but there is a pending RDB child running. Killing process ${process.pid} and removing its temp file to avoid any race`,
      );
      core.saver.cancel();
    }
    if (straight === null) {
      await core.saver?.received(payload);
      if (!wanted()) throw new Error("the link was lost");
    }
    const swap = straight?.swap === true;
    const mode = { dropExpired: false, empty: swap ? "last" : "first", serving: straight?.serving ?? false } as const;
    try {
      const loaded = await core.loader.load(payload, mode, wanted);
      if (swap) {
        core.log("notice", "MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
        core.log("notice", "MASTER <-> REPLICA sync: Discarding old DB in background");
      }
      return loaded;
    } catch (error) {
      if (swap) core.log("notice", "MASTER <-> REPLICA sync: Discarding temporary DB in background");
      throw error;
    } finally {
      if (straight === null) core.saver?.receivedIsLoaded();
    }
  }

  /** The link was lost: what was expected will not come. */
  lost(): void {
    if (this.#straight === null) return;
    const { swap } = this.#straight;
    this.#straight = null;
    this.core.loader.giveUp();
    this.core.log("warning", "Internal error in RDB reading: Unexpected EOF reading RDB file");
    this.core.log(
      "warning",
      "Failed trying to load the MASTER synchronization DB from socket: Connection reset by peer",
    );
    if (swap) this.core.log("notice", "MASTER <-> REPLICA sync: Discarding temporary DB in background");
  }
}
