/** What the rules here read of a fence (an `INFO replication` reply); the parsed fence of `protocol/info.ts` fits it. */
export interface FenceFacts {
  readonly role: "master" | "replica";
  readonly replid: string;
  /** Applied offset. */
  readonly offset: number;
  readonly syncInProgress: boolean;
  /** `repl_backlog_first_byte_offset`; 0 without a backlog. */
  readonly backlogFirstByte: number;
  /** `repl_backlog_histlen` */
  readonly backlogLength: number;
  /** `repl_backlog_size`, where known. */
  readonly backlogSize?: number;
}

/** The smallest backlog Redis makes. Below it no backlog can have dropped its first bytes for want of room. */
const SMALLEST_BACKLOG = 16_384;

/**
 * Whether the backlog of `now` is another one than that of `before`, which says that the node was filled anew in
 * between and may have been rolled back, even if its offset has caught up since. A backlog that lives on only grows,
 * and drops its first bytes only when full.
 */
export function backlogStartedAnew(
  before: Pick<FenceFacts, "backlogFirstByte">,
  now: Pick<FenceFacts, "backlogFirstByte" | "backlogLength" | "backlogSize">,
): boolean {
  if (now.backlogFirstByte === before.backlogFirstByte) return false;
  return now.backlogFirstByte < before.backlogFirstByte || now.backlogLength < (now.backlogSize ?? SMALLEST_BACKLOG);
}
