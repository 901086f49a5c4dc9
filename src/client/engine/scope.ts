import type { TransactionConnection } from "../connection/dedicated/transaction-connection.js";
import type { ResolvedView } from "../options/resolved.js";
import type { Operation } from "./operation.js";

/** What belongs to one view of a client: the client itself is a view too. */
export class Scope {
  /** The node that issued the SCAN cursors of this view; null = no scan was begun. */
  scanHome: string | null = null;
  /** Once WATCH or an interactive MULTI was used. */
  transaction: TransactionConnection | null = null;
  /** Writes that stand between an interactive MULTI and its EXEC. */
  queued: Operation[] = [];

  constructor(
    readonly view: ResolvedView,
    /** Number of the database; SELECT changes it. */
    public db: number,
    /** Every command goes to this node, whatever it is; null = routed. */
    readonly node: string | null = null,
  ) {}
}
