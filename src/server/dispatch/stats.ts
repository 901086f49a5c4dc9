/** Counters of a server's life, as INFO shows them; CONFIG RESETSTAT clears them. */
export class Stats {
  connectionsReceived = 0;
  rejectedConnections = 0;
  commandsProcessed = 0;
  errorReplies = 0;
  /** Errors on a replication link, in either direction. */
  unexpectedErrors = 0;
  /** Values that Redis would have freed in the background. */
  lazyFreed = 0;
  /** Snapshots and rewrites of the log that were begun: what Redis forks for. */
  forks = 0;
  /** Error replies by first word. */
  readonly errorsByCode = new Map<string, number>();

  /** Counts an error reply by its text. Codes are limited, since a client could invent them. */
  countError(text: string): void {
    this.errorReplies++;
    const space = text.indexOf(" ");
    const code = space < 0 ? text : text.slice(0, space);
    const count = this.errorsByCode.get(code);
    if (count !== undefined || this.errorsByCode.size < 128) this.errorsByCode.set(code, (count ?? 0) + 1);
  }

  reset(): void {
    this.connectionsReceived = 0;
    this.rejectedConnections = 0;
    this.commandsProcessed = 0;
    this.errorReplies = 0;
    this.unexpectedErrors = 0;
    this.lazyFreed = 0;
    this.forks = 0;
    this.errorsByCode.clear();
  }
}
