import type { Clock } from "../core/clock.js";
import { deferred } from "../core/deferred.js";
import type { Bytes } from "../protocol/resp/reply.js";
import { RequestDecoder } from "../protocol/resp/request-decoder.js";
import { splitArguments } from "../protocol/resp/split-arguments.js";

/** A command of a replication stream. */
export interface TappedCommand {
  /** Its name in upper case. */
  readonly name: string;
  /** All words as they stand in the stream, the name included; UTF-8. */
  readonly args: readonly string[];
  /** Database that it applies to. */
  readonly db: number;
  /** Offset of the stream behind it. */
  readonly offset: number;
}

/** What {@link ReplicationTap.expect} compares with: words in one string as redis-cli takes them, or one by one. */
export type ExpectedCommand = string | readonly (string | RegExp)[];

/** Commands that a tap keeps; older ones are forgotten. */
const MOST_COMMANDS = 100_000;
const LIMITS = { maxBulkBytes: 512 * 1024 * 1024, unauthenticated: false };

/** The stream differs from what a test expects. Test runners show `expected` and `actual` side by side. */
export class TapMismatch extends Error {
  override readonly name = "TapMismatch";
  /** For test runners. */
  readonly showDiff = true;

  /** @internal */
  constructor(
    message: string,
    /** The commands that were expected, one per line. */
    readonly expected: string,
    /** The commands that came, one per line. */
    readonly actual: string,
  ) {
    super(message);
  }
}

/** Listens to the replication stream that a server hands on, from the moment of `server.tap()`. */
export class ReplicationTap implements AsyncIterable<TappedCommand>, Disposable {
  #commands: TappedCommand[] = [];
  /** How many of {@link commands} `expect()` has compared. */
  #compared = 0;
  #decoder = new RequestDecoder(LIMITS);
  #db = 0;
  #closed = false;
  readonly #wakers = new Set<() => void>();
  readonly #clock: Clock;
  readonly #flush: () => void;
  readonly #detach: (tap: ReplicationTap) => void;

  /** @internal */
  constructor(clock: Clock, flush: () => void, detach: (tap: ReplicationTap) => void) {
    this.#clock = clock;
    this.#flush = flush;
    this.#detach = detach;
  }

  /** A run of the server begins, or a stream that does not go on from the last: `db` is selected. @internal */
  begin(db: number): void {
    this.#decoder = new RequestDecoder(LIMITS);
    this.#db = Math.max(0, db);
  }

  /** Bytes of the stream; `endOffset` is that behind them. @internal */
  take(bytes: Buffer, endOffset: number): void {
    const decoder = this.#decoder;
    decoder.push(bytes);
    for (let argv = decoder.next(); argv; argv = decoder.next()) {
      const offset = endOffset - decoder.pendingBytes;
      const name = (argv[0] as Bytes).toUpperCase();
      if (name === "SELECT") this.#db = Number(argv[1]);
      this.#commands.push({ name, args: argv.map(utf8), db: this.#db, offset });
    }
    if (this.#commands.length > MOST_COMMANDS) {
      const dropped = this.#commands.length - MOST_COMMANDS;
      this.#commands.splice(0, dropped);
      this.#compared = Math.max(0, this.#compared - dropped);
    }
    for (const wake of [...this.#wakers]) wake();
  }

  /** All commands so far, SELECT, PING and GETACK included; the last 100,000 at most. */
  get commands(): readonly TappedCommand[] {
    this.#flush();
    return [...this.#commands];
  }

  /** False after `close()`, and after the server's `stop()`. */
  get open(): boolean {
    return !this.#closed;
  }

  /**
   * Resolves with the first command, of those so far or to come, that ends at `offset` or behind it, or that the predicate
   * takes.
   * @throws Error after `timeoutMs` milliseconds of the server's clock (default 10 000), or when the tap is closed
   */
  async until(target: number | ((command: TappedCommand) => boolean), timeoutMs = 10_000): Promise<TappedCommand> {
    const wanted = typeof target === "number" ? (command: TappedCommand) => command.offset >= target : target;
    this.#flush();
    const found = deferred<TappedCommand>();
    let looked = 0;
    let last: TappedCommand | undefined;
    const look = (): void => {
      // Old commands may be forgotten meanwhile: go on behind the last one seen.
      looked = last === undefined ? 0 : this.#commands.lastIndexOf(last) + 1;
      for (; looked < this.#commands.length; looked++) {
        last = this.#commands[looked] as TappedCommand;
        if (wanted(last)) return found.resolve(last);
      }
      if (this.#closed) found.reject(new Error("the tap is closed"));
    };
    const timer = this.#clock.setTimer(
      () => found.reject(new Error(`the stream did not bring it within ${timeoutMs} ms; so far:\n${this.#text()}`)),
      timeoutMs,
    );
    this.#wakers.add(look);
    look();
    try {
      return await found.promise;
    } finally {
      this.#clock.clearTimer(timer);
      this.#wakers.delete(look);
    }
  }

  /**
   * Asserts that exactly these commands came since the last `expect()` or `forget()`. PING, SELECT and REPLCONF are left out
   * unless `all`; names compare in any letter case. For use with any test runner.
   * @throws TapMismatch with both lists
   */
  expect(expected: readonly ExpectedCommand[], options: { readonly all?: boolean; readonly db?: number } = {}): void {
    const { all = false, db } = options;
    this.#flush();
    const fresh = this.#commands.slice(this.#compared);
    this.#compared = this.#commands.length;
    const came = fresh.filter(
      (command) => (all || !SERVICE.has(command.name)) && (db === undefined || command.db === db),
    );
    const wanted = expected.map((one) => (typeof one === "string" ? wordsOf(one) : one));
    const at = wanted.findIndex((words, i) => !equal(words, came[i]?.args));
    if (at < 0 && came.length === wanted.length) return;
    const place = at < 0 ? wanted.length : at;
    const [want, got] = [wanted[place], came[place]];
    throw new TapMismatch(
      `the replication stream differs at command ${place + 1}: expected ${want ? line(want) : "nothing more"}, got ${
        got ? line(got.args) : "nothing"
      }`,
      wanted.map(line).join("\n"),
      came.map(({ args }) => line(args)).join("\n"),
    );
  }

  /** Forgets what came so far. */
  forget(): void {
    this.#flush();
    this.#commands = [];
    this.#compared = 0;
  }

  /** Yields the commands so far and those to come, until the tap is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TappedCommand, void, undefined> {
    let last: TappedCommand | undefined;
    for (;;) {
      this.#flush();
      const next = this.#commands[last === undefined ? 0 : this.#commands.lastIndexOf(last) + 1];
      if (next !== undefined) {
        last = next;
        yield next;
        continue;
      }
      if (this.#closed) return;
      const woken = deferred<void>();
      const wake = (): void => woken.resolve();
      this.#wakers.add(wake);
      await woken.promise;
      this.#wakers.delete(wake);
    }
  }

  /** Listens no more; what came stays readable. Any number of times. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#detach(this);
    for (const wake of [...this.#wakers]) wake();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #text(): string {
    return this.#commands
      .slice(-20)
      .map(({ args }) => line(args))
      .join("\n");
  }
}

/** What a master says for itself. */
const SERVICE = new Set(["PING", "SELECT", "REPLCONF"]);

function equal(expected: readonly (string | RegExp)[], words: readonly string[] | undefined): boolean {
  if (words?.length !== expected.length) return false;
  return expected.every((one, i) => {
    const word = words[i] as string;
    if (typeof one !== "string") return one.test(word);
    return i === 0 ? one.toUpperCase() === word.toUpperCase() : one === word;
  });
}

function wordsOf(text: string): string[] {
  const words = splitArguments(Buffer.from(text, "utf8").toString("latin1"));
  if (!words) throw new Error(`unbalanced quotes in the expected command: ${text}`);
  return words.map(utf8);
}

function line(words: readonly (string | RegExp)[]): string {
  return words
    .map((word) => (typeof word !== "string" || /^[^\s"']+$/.test(word) ? String(word) : JSON.stringify(word)))
    .join(" ");
}

function utf8(bytes: Bytes): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
