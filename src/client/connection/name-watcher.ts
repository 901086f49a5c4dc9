import { ADDRCONFIG, type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Clock, TimerHandle } from "../../core/clock.js";
import type { Address } from "../topology/address.js";
import type { LookupInput } from "../topology/input.js";

/** The least time between two look-ups of one name, whoever asks. Milliseconds. */
const MIN_GAP_MS = 500;

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
 * Looks up what the names among the seeds stand for, again at an interval and when something fails. A look-up that
 * fails says nothing: what was known holds on, and the connections tell for themselves whether they can be made.
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
  #timer: TimerHandle | null = null;
  #round = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  #asking = false;
  #requested = false;
  #stopped = false;

  constructor(
    private readonly name: { readonly id: string } & Address,
    private readonly options: NameWatcherOptions,
  ) {}

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

  #ask(): void {
    const { clock, family, timeoutMs } = this.options;
    const round = ++this.#round;
    this.#requested = false;
    this.#asking = true;
    this.#startedAt = clock.now();
    const answer = (found: readonly LookupAddress[]): void => {
      if (this.#stopped || round !== this.#round || !this.#asking) return;
      this.#asking = false;
      const { intervalMs, onInput } = this.options;
      this.#schedule(this.#requested ? this.#startedAt + MIN_GAP_MS - clock.now() : intervalMs);
      const { id, port } = this.name;
      const addresses = addressesOf(found, family).map((host) => ({ host, port }));
      if (addresses.length > 0) onInput({ type: "lookup", at: clock.now(), name: id, addresses });
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
