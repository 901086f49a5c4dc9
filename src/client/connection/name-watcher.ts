import { ADDRCONFIG, type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Address } from "../topology/address.js";
import type { LookupInput } from "../topology/input.js";

/** The least time between two look-ups of one name, whoever asks. Milliseconds. */
const MIN_GAP_MS = 500;

/** So many addresses of a name are told from new ones, and so often in a row new ones lead to a look-up before its time. */
const MAX_SEEN = 64;

export interface NameWatcherOptions {
  readonly clock: Clock;
  /** Seeds whose host is a name. */
  readonly names: readonly ({ readonly id: string } & Address)[];
  /** 4 or 6: only addresses of that family count; anything else: of the one that has more. */
  readonly family: number | undefined;
  /** Null = the system's. */
  readonly lookup: LookupFunction | null;
  readonly intervalMs: number;
  /** After this long a look-up counts as failed. Milliseconds. */
  readonly timeoutMs: number;
  readonly onInput: (input: LookupInput) => void;
}

/**
 * Looks up what the names among the seeds stand for, again at an interval and when something fails. An answer with a new
 * address may be one of many, as of a reader endpoint that shows one replica at a time: then the next look-up follows after
 * half a second, and without news the gaps double until they are the interval. A look-up that fails says nothing: what was
 * known holds on, and the connections tell for themselves whether they can be made.
 */
export class NameWatcher {
  readonly #loops: readonly NameLoop[];

  constructor(options: NameWatcherOptions) {
    this.#loops = options.names.map((name) => new NameLoop(name, options));
  }

  start(): void {
    for (const loop of this.#loops) loop.request();
  }

  /** Looks all names up again, as soon as half a second has passed since the last time. */
  requestCheck(): void {
    for (const loop of this.#loops) loop.request();
  }

  /** Leaves no timer; answers that come later are dropped. */
  stop(): void {
    for (const loop of this.#loops) loop.stop();
  }
}

class NameLoop {
  /** Addresses of former answers, the one shown last at the end. */
  readonly #seen = new Set<string>();
  #gapMs: number;
  /** Answers with news since the gap was last the interval. */
  #news = 0;
  #timer: TimerHandle | null = null;
  #round = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  #asking = false;
  #requested = false;
  #stopped = false;

  constructor(
    private readonly name: { readonly id: string } & Address,
    private readonly options: NameWatcherOptions,
  ) {
    this.#gapMs = options.intervalMs;
  }

  request(): void {
    if (this.#requested || this.#stopped) return;
    this.#requested = true;
    if (!this.#asking) this.#schedule(this.#startedAt + MIN_GAP_MS - this.options.clock.now());
  }

  stop(): void {
    this.#stopped = true;
    this.options.clock.clearTimer(this.#timer);
  }

  #schedule(delayMs: number): void {
    const { clock } = this.options;
    clock.clearTimer(this.#timer);
    if (delayMs <= 0) this.#ask();
    else this.#timer = clock.setTimer(() => this.#ask(), delayMs);
  }

  /** Whether any of them is new. */
  #notes(hosts: readonly string[]): boolean {
    const isNew = hosts.some((host) => !this.#seen.has(host));
    for (const host of hosts) {
      this.#seen.delete(host);
      this.#seen.add(host);
    }
    for (const oldest of this.#seen) {
      if (this.#seen.size <= MAX_SEEN) break;
      this.#seen.delete(oldest);
    }
    return isNew;
  }

  /** A name with ever new addresses is looked up at the interval in the end. */
  #setGap(isNew: boolean): void {
    const { intervalMs } = this.options;
    if (isNew && this.#news < MAX_SEEN) {
      this.#news++;
      this.#gapMs = Math.min(MIN_GAP_MS, intervalMs);
      return;
    }
    if (!isNew && this.#gapMs === intervalMs) this.#news = 0;
    this.#gapMs = Math.min(2 * this.#gapMs, intervalMs);
  }

  #ask(): void {
    const { clock, family, timeoutMs } = this.options;
    const round = ++this.#round;
    this.#requested = false;
    this.#asking = true;
    this.#startedAt = clock.now();
    const answer = (found: readonly LookupAddress[]): void => {
      if (this.#stopped || round !== this.#round || !this.#asking) return;
      this.#asking = false;
      const hosts = addressesOf(found, family);
      this.#setGap(this.#notes(hosts));
      this.#schedule(this.#requested ? this.#startedAt + MIN_GAP_MS - clock.now() : this.#gapMs);
      const { id, port } = this.name;
      const addresses = hosts.map((host) => ({ host, port }));
      if (addresses.length > 0) this.options.onInput({ type: "lookup", at: clock.now(), name: id, addresses });
    };
    clock.clearTimer(this.#timer);
    this.#timer = clock.setTimer(() => answer([]), timeoutMs);
    const lookup = this.options.lookup ?? (systemLookup as LookupFunction);
    try {
      // As net.connect asks.
      const hints = family === 4 || family === 6 ? 0 : ADDRCONFIG;
      lookup(this.name.host, { all: true, family: family ?? 0, hints }, (error, found, foundFamily) => {
        if (error) answer([]);
        else if (typeof found === "string") answer([{ address: found, family: foundFamily ?? 0 }]);
        else answer(found);
      });
    } catch {
      answer([]);
    }
  }
}

/**
 * The addresses of one family, each once: an IPv4 and an IPv6 address are two ways to one server. Of equally many, those
 * that the system puts first.
 */
export function addressesOf(found: readonly LookupAddress[], family: number | undefined): string[] {
  const of = (wanted: (address: string) => boolean): string[] => [
    ...new Set(found.map(({ address }) => address).filter(wanted)),
  ];
  const four = of((address) => !address.includes(":"));
  const six = of((address) => address.includes(":"));
  if (family === 4) return four;
  if (family === 6) return six;
  const sixFirst = found[0]?.address.includes(":") === true;
  return six.length > four.length || (six.length === four.length && sixFirst) ? six : four;
}
