import type { Bytes } from "../../protocol/resp/reply.js";
import { Backlog, type BacklogState } from "./backlog.js";
import type { History } from "./history.js";
import * as histories from "./history.js";
import { encodeCommand, encodeSelect } from "./stream.js";

/** A stream as it was at some time. */
export interface StreamState {
  readonly history: History;
  /** Database that its reader has selected; -1 = none. */
  readonly selected: number;
  /** What was kept of it; null: nothing was counted yet. */
  readonly backlog: Buffer | null;
}

/**
 * The stream that this server hands on: counts it, keeps its end in the backlog, and gives it to the
 * replicas once per turn of the event loop. On a master it is fed with commands, on a replica with the
 * bytes of its master, verbatim.
 */
export class StreamOut {
  #history: History;
  #offset: number;
  #backlog: Backlog | null = null;
  /** Database that the reader of the stream has selected; -1 = say so before the next command. */
  #selected = -1;
  #pending: Bytes = "";
  #scheduled = false;

  /** @param deliver called with what there is more: every attached replica is given what it has not got */
  constructor(
    history: History,
    private readonly deliver: (bytes: Buffer) => void,
  ) {
    this.#history = history;
    this.#offset = history.offset;
  }

  get history(): History {
    return { ...this.#history, offset: this.#offset };
  }

  get offset(): number {
    return this.#offset;
  }

  get replid(): string {
    return this.#history.replid;
  }

  /** False until the first replica has attached: nothing is counted before. */
  get active(): boolean {
    return this.#backlog !== null;
  }

  get selected(): number {
    return this.#selected;
  }

  get backlog(): BacklogState | null {
    this.flush();
    return this.#backlog?.state ?? null;
  }

  /** A view of the stream from `offset` on, as far as it is of one piece and was handed on. */
  read(offset: number): Buffer {
    if (!this.#backlog) throw new RangeError("there is no backlog");
    return this.#backlog.read(offset);
  }

  /** What comes before `offset` is needed by no replica; infinite: none lags. */
  keepFrom(offset: number): void {
    this.#backlog?.keepFrom(offset);
  }

  /** Adds a command; `db` -1 needs no SELECT. */
  feed(db: number, argv: readonly Bytes[]): void {
    if (!this.#backlog) return;
    if (db >= 0 && db !== this.#selected) {
      this.#selected = db;
      this.#add(encodeSelect(db));
    }
    this.#add(encodeCommand(argv));
  }

  /** Adds bytes of the master's stream as they came. */
  forward(bytes: Buffer): void {
    this.flush();
    this.#offset += bytes.length;
    this.#backlog?.append(bytes);
    this.deliver(bytes);
  }

  /** Hands on what was fed in this turn. */
  flush(): void {
    if (this.#pending === "") return;
    const bytes = Buffer.from(this.#pending, "latin1");
    this.#pending = "";
    this.#backlog?.append(bytes);
    this.deliver(bytes);
  }

  /** The next command will say its database. */
  forgetSelected(): void {
    this.#selected = -1;
  }

  /** Begins to count, in a history of its own, if that has not happened yet. */
  activate(size: number, replid: string): void {
    if (this.#backlog) return;
    this.#become(histories.restarted(this.history, replid));
    this.#backlog = new Backlog(size, this.#offset);
  }

  /** A server that starts with a dataset and its history, as a saved file told: counting goes on from there. */
  restore(history: History, size: number): void {
    this.#become(history);
    this.#backlog = new Backlog(size, this.#offset);
  }

  /** All that this stream is; see {@link takeUp}. */
  capture(): StreamState {
    this.flush();
    const backlog = this.#backlog?.from(this.#backlog.firstByte) ?? null;
    return { history: this.history, selected: this.#selected, backlog };
  }

  /** Becomes what was captured, here or elsewhere. */
  takeUp({ history, selected, backlog }: StreamState, size: number): void {
    this.#pending = "";
    this.#become(history);
    this.#selected = selected;
    this.#backlog = null;
    if (backlog === null) return;
    this.#backlog = new Backlog(size, history.offset - backlog.length);
    this.#backlog.append(backlog);
  }

  /** repl-backlog-ttl is over: the past can't be handed on any more, so it must not be named either. */
  release(replid: string): void {
    this.#backlog = null;
    this.#become(histories.restarted(this.history, replid));
  }

  resize(size: number): void {
    this.flush();
    this.#backlog?.resize(size);
  }

  /** A history of its own from here on, with what the backlog holds (DEBUG CHANGE-REPL-ID). */
  rename(replid: string): void {
    this.#become(histories.restarted(this.history, replid));
  }

  /** Promotion. */
  promote(replid: string): void {
    this.flush();
    this.#selected = -1;
    this.#become(histories.promoted(this.history, replid));
  }

  /** Partial resync; true if the history changed its name. */
  resume(replid: string | null, size: number): boolean {
    this.flush();
    this.#backlog ??= new Backlog(size, this.#offset);
    const next = histories.continued(this.history, replid);
    const changed = next.replid !== this.#history.replid;
    this.#become(next);
    return changed;
  }

  /** Full resync: the master's history, an empty backlog. */
  adopt(replid: string, offset: number, size: number): void {
    this.#pending = "";
    this.#become(histories.adopted(replid, offset));
    this.#backlog = new Backlog(size, offset);
  }

  #become(history: History): void {
    this.#history = history;
    this.#offset = history.offset;
  }

  #add(text: Bytes): void {
    this.#pending += text;
    this.#offset += text.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flushLater);
  }

  readonly #flushLater = (): void => {
    this.#scheduled = false;
    this.flush();
  };
}
