/** What a reply to `INFO replication` proves of the commands around it. */
export interface Fence {
  readonly role: "master" | "replica";
  readonly replid: string;
  /** Applied bytes: on a replica `slave_repl_offset`, on a master its own offset. */
  readonly offset: number;
  /** null where the server shows forty zeros. */
  readonly replid2: string | null;
  readonly secondReplOffset: number;
  /** true on a master. */
  readonly linkUp: boolean;
  readonly syncInProgress: boolean;
  readonly backlogFirstByte: number;
  readonly backlogLength: number;
}

/**
 * Reads the few fields a fence needs, without splitting the text: it runs once per flush. Fields are looked
 * for in the order in which Redis writes them, each from where the one before ended; a server with another
 * order is read too, only slower. null if the reply is not an `INFO replication`.
 */
export function parseFence(reply: Buffer | string): Fence | null {
  const text = typeof reply === "string" ? reply : reply.toString("latin1");
  let at = seek(text, "role:", 0);
  if (at < 0) return null;
  const master = wordIs(text, at, "master");
  if (!master && !wordIs(text, at, "slave") && !wordIs(text, at, "replica")) return null;

  let linkUp = true;
  let syncInProgress = false;
  let offset = Number.NaN;
  let from = at;
  if (!master) {
    at = seek(text, "master_link_status:", from);
    linkUp = at >= 0 && wordIs(text, at, "up");
    if (at >= 0) from = at;
    at = seek(text, "master_sync_in_progress:", from);
    syncInProgress = at >= 0 && text.charCodeAt(at) === 49;
    if (at >= 0) from = at;
    at = seek(text, "slave_repl_offset:", from);
    if (at < 0) return null;
    offset = numberAt(text, at);
    from = at;
  }
  at = seek(text, "master_replid:", from);
  if (at < 0) return null;
  const replid = interned(text, at, lineEnd(text, at));
  from = at;
  at = seek(text, "master_replid2:", from);
  const second = at < 0 ? "" : text.slice(at, lineEnd(text, at));
  if (at >= 0) from = at;
  if (master) {
    at = seek(text, "master_repl_offset:", from);
    if (at < 0) return null;
    offset = numberAt(text, at);
    from = at;
  }
  if (replid === "" || Number.isNaN(offset)) return null;
  at = seek(text, "second_repl_offset:", from);
  const secondReplOffset = at < 0 ? -1 : numberAt(text, at);
  if (at >= 0) from = at;
  at = seek(text, "repl_backlog_first_byte_offset:", from);
  const backlogFirstByte = at < 0 ? 0 : numberAt(text, at);
  if (at >= 0) from = at;
  at = seek(text, "repl_backlog_histlen:", from);
  const backlogLength = at < 0 ? 0 : numberAt(text, at);
  return {
    role: master ? "master" : "replica",
    replid,
    offset,
    replid2: second === "" || isZeroes(second) ? null : second,
    secondReplOffset: Number.isNaN(secondReplOffset) ? -1 : secondReplOffset,
    linkUp,
    syncInProgress,
    backlogFirstByte: Number.isNaN(backlogFirstByte) ? 0 : backlogFirstByte,
    backlogLength: Number.isNaN(backlogLength) ? 0 : backlogLength,
  };
}

/** Index behind `field` where it begins a line, searched from `from` on, then from the start; -1 without it. */
function seek(text: string, field: string, from: number): number {
  for (let start = from; ; start = 0) {
    for (let i = text.indexOf(field, start); i >= 0; i = text.indexOf(field, i + 1)) {
      if (i === 0 || text.charCodeAt(i - 1) === 10) return i + field.length;
    }
    if (start === 0) return -1;
  }
}

let lastReplid = "";

/** One string per history instead of one per reply: a slice would keep the whole reply in memory. */
function interned(text: string, start: number, end: number): string {
  if (end - start !== lastReplid.length || !text.startsWith(lastReplid, start)) lastReplid = text.slice(start, end);
  return lastReplid;
}

function lineEnd(text: string, at: number): number {
  const lf = text.indexOf("\n", at);
  const end = lf < 0 ? text.length : lf;
  return text.charCodeAt(end - 1) === 13 ? end - 1 : end;
}

function wordIs(text: string, at: number, word: string): boolean {
  if (!text.startsWith(word, at)) return false;
  const next = text.charCodeAt(at + word.length);
  return Number.isNaN(next) || next === 13 || next === 10;
}

/** The integer that the line consists of from `at` on; NaN if it is none. */
function numberAt(text: string, at: number): number {
  let i = at;
  const negative = text.charCodeAt(i) === 45;
  if (negative) i++;
  const first = i;
  let value = 0;
  for (let code = text.charCodeAt(i); code >= 48 && code <= 57; code = text.charCodeAt(++i))
    value = value * 10 + code - 48;
  const stop = text.charCodeAt(i);
  if (i === first || !(Number.isNaN(stop) || stop === 13 || stop === 10)) return Number.NaN;
  return negative ? -value : value;
}

function isZeroes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== 48) return false;
  return true;
}
