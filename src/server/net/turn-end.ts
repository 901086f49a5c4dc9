import { systemClock } from "../../core/clock.js";

/** What has something to write at the end of this turn of the event loop. */
interface Writer {
  flush(): void;
}

let waiting: Writer[] = [];

/**
 * Lets `writer` flush when all sockets that are readable in this turn have been read. A reply that went out at once would
 * wake a client that waits on another core, and waking it costs more than the commands that it is answered: a client of
 * many connections is woken once for all of them now, as redis-server does by writing before it sleeps.
 */
export function flushAtTurnEnd(writer: Writer): void {
  if (waiting.push(writer) === 1) systemClock.setImmediate(flushAll);
}

function flushAll(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.flush();
}
