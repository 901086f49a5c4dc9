import type { BoundConnection } from "../connection/dedicated/bound-connection.js";
import type { Carrier } from "../connection/dedicated/carrier.js";
import type { CausalSession } from "../consistency/session.js";
import type { ResolvedView } from "../options/resolved.js";
import type { WaitingCall } from "./databases.js";
import type { Operation } from "./operation.js";

/** What belongs to one view of a client: the client itself is a view too. */
export class Scope {
  /** The node that issued the SCAN cursors of this view; null = no scan was begun. */
  scanHome: string | null = null;
  /** Once WATCH or an interactive MULTI was used. */
  transaction: Carrier | null;
  /** Writes that stand between an interactive MULTI and its EXEC; null outside. */
  queued: Operation[] | null = null;
  /** Calls that wait until a server has said whether their database exists; null = none has to. */
  waiting: WaitingCall[] | null = null;
  /** The state of knowledge of databases (`Databases.epoch`) in which `db` was known to exist. */
  confirmed = 0;

  constructor(
    readonly view: ResolvedView,
    /** Number of the database; SELECT changes it. */
    public db: number,
    /** Every command goes to this node, whatever it is; null = routed. */
    readonly node: string | null = null,
    /** The causal session whose calls these are; null = none. */
    readonly session: CausalSession | null = null,
    /** The connection that was lent to a function, and that all its calls go over; null = none was. */
    readonly lent: BoundConnection | null = null,
  ) {
    this.transaction = lent;
  }

  /** The database that was asked for last: that of commands and views made from now on. */
  get lastDb(): number {
    const { waiting } = this;
    if (waiting !== null)
      for (let i = waiting.length - 1; i >= 0; i--) {
        const selects = (waiting[i] as WaitingCall).selects;
        if (selects !== null) return selects;
      }
    return this.db;
  }
}
