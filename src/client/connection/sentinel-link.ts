import type { Redis } from "ioredis";
import { Backoff } from "../../core/backoff.js";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Random } from "../../core/random.js";
import { type Address, addressId } from "../topology/address.js";
import type { SentinelInput } from "../topology/input.js";
import { masterOfReply, nodesOfReply, parseSwitch } from "./sentinel-replies.js";

export interface SentinelSettings {
  readonly clock: Clock;
  readonly random: Random;
  /** The name under which the Sentinels watch the master. */
  readonly name: string;
  readonly pollIntervalMs: number;
  /** For connecting and for each question, in milliseconds. */
  readonly timeoutMs: number;
  /** Makes a connection to a Sentinel, with its user, password and TLS. Not connected yet (`lazyConnect`), never reconnecting. */
  readonly open: (address: Address) => Redis;
  readonly onInput: (input: SentinelInput) => void;
}

/** What a link tells the watcher. */
export interface SentinelReports {
  answered(others: readonly Address[]): void;
  failed(reason: string): void;
}

/**
 * One Sentinel: a connection to ask on and one to listen on (an older Sentinel takes no questions on a connection
 * that is subscribed). Both are given up together when either fails, and opened again after a growing gap.
 */
export class SentinelLink {
  readonly #id: string;
  readonly #gap: Backoff;
  #asking: Redis | null = null;
  #listening: Redis | null = null;
  #replicas: readonly Address[] = [];
  #timer: TimerHandle | null = null;
  #busy = false;
  #again = false;
  #stopped = false;

  constructor(
    private readonly address: Address,
    private readonly settings: SentinelSettings,
    private readonly reports: SentinelReports,
  ) {
    this.#id = addressId(address);
    const firstMs = Math.min(100, settings.pollIntervalMs);
    this.#gap = new Backoff({ firstMs, maxMs: Math.max(firstMs, settings.pollIntervalMs * 5) }, settings.random);
  }

  start(): void {
    void this.#round();
  }

  /** Asks now, or once more after the question that is on its way. Doesn't hurry the opening of a dead one. */
  requestCheck(): void {
    if (this.#busy) this.#again = true;
    else if (this.#asking !== null) void this.#round();
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
    this.settings.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  async #round(): Promise<void> {
    if (this.#busy || this.#stopped) return;
    this.#busy = true;
    this.settings.clock.clearTimer(this.#timer);
    this.#timer = null;
    let wait = this.settings.pollIntervalMs;
    try {
      do {
        this.#again = false;
        await this.#ask();
      } while (this.#again && !this.#stopped);
      this.#gap.reset();
    } catch (error) {
      this.#close();
      wait = this.#gap.next();
      if (!this.#stopped) this.reports.failed(error instanceof Error ? error.message : "no answer");
    }
    this.#busy = false;
    if (!this.#stopped) this.#timer = this.settings.clock.setTimer(() => void this.#round(), wait);
  }

  async #ask(): Promise<void> {
    const { name, clock } = this.settings;
    this.#asking ??= await this.#connect();
    const redis = this.#asking;
    const question = (word: string) => redis.call("SENTINEL", word, name);
    // First by itself: for an unknown name it is null, where the others answer with an error.
    const address = masterOfReply(await this.#inTime(redis, question("get-master-addr-by-name")));
    if (address === null) throw new Error(`it watches no master named "${name}"`);
    const lists = Promise.all([question("replicas"), question("sentinels")]);
    const [replicas, sentinels] = await this.#inTime(redis, lists);
    this.#replicas = nodesOfReply(replicas, true);
    if (this.#stopped) return;
    this.#tell(address, clock.now());
    this.reports.answered(nodesOfReply(sentinels, false));
    if (this.#listening === null) await this.#listen();
  }

  #tell(master: Address, at: number): void {
    if (this.#stopped) return;
    this.settings.onInput({ type: "sentinel", at, sentinel: this.#id, master, replicas: this.#replicas });
  }

  async #listen(): Promise<void> {
    const redis = await this.#connect();
    this.#listening = redis;
    redis.on("message", (_channel: string, message: string) => {
      const change = parseSwitch(String(message), this.settings.name);
      if (change === null) return;
      this.#tell(change, this.settings.clock.now());
      this.requestCheck();
    });
    await this.#inTime(redis, redis.subscribe("+switch-master"));
  }

  async #connect(): Promise<Redis> {
    const redis = this.settings.open(this.address);
    let lost = "the connection was closed";
    redis.on("error", (error: Error) => {
      lost = error.message;
    });
    redis.once("end", () => this.#ended(redis));
    try {
      await this.#inTime(redis, redis.connect());
    } catch (error) {
      redis.disconnect();
      const message = error instanceof Error ? error.message : lost;
      throw new Error(message === "Connection is closed." ? lost : message, { cause: error });
    }
    if (this.#stopped) {
      redis.disconnect();
      throw new Error("stopped");
    }
    return redis;
  }

  /** A connection that ends unasked while nothing is on its way: the next round opens it again, and tells if it can't. */
  #ended(redis: Redis): void {
    if (redis !== this.#asking && redis !== this.#listening) return;
    this.#close();
    if (!this.#busy && !this.#stopped) {
      this.settings.clock.clearTimer(this.#timer);
      this.#timer = this.settings.clock.setTimer(() => void this.#round(), this.#gap.next());
    }
  }

  #close(): void {
    const open = [this.#asking, this.#listening];
    this.#asking = null;
    this.#listening = null;
    for (const redis of open) redis?.disconnect();
  }

  /** A hung Sentinel accepts connections and never speaks: the connection is dropped when the time is up. */
  async #inTime<T>(redis: Redis, asked: Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.settings;
    let timer: TimerHandle | null = null;
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.setTimer(() => {
        reject(new Error(`no answer within ${timeoutMs} ms`));
        redis.disconnect();
      }, timeoutMs);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clock.clearTimer(timer);
    }
  }
}
