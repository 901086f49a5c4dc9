import type { UserCommand } from "./host.js";

/** A connection of its own that takes commands of a view instead of the shared ones. */
export interface Carrier {
  /** The node that it leads to; null while there is none. */
  readonly node: string | null;
  /** Must the view's next command go here? */
  wants(name: string): boolean;
  /** Carries one command, in the order of calls. `writes`: what it does is unknown if no reply comes. */
  carry(command: UserCommand, db: number, writes?: boolean): Promise<unknown>;
  /** Ends it: its node is not what it was. `lost`: nor will it answer what is on its way. */
  abandon(reason: string, lost: boolean): void;
}
