import type { Random } from "../../../src/core/random.js";
import { shuffled } from "../nemesis/deck.js";
import type { Nemesis } from "../nemesis/nemesis.js";

/** Who follows whom: all the master, or each the one before it. */
export type Shape = "star" | "chain";

/** How servers and clients stand for a while. */
export interface SetUp {
  readonly shape: Shape;
  /** The clients speak TLS to the servers. */
  readonly tls: boolean;
  /** Who is master is decided by Sentinels and by nobody else, and clients ask them. */
  readonly sentinels: boolean;
}

/** Some rounds in one set-up; each has one nemesis, or several one after another. */
export interface Stint {
  readonly setUp: SetUp;
  readonly hands: readonly (readonly Nemesis[])[];
  /** The turn that each nemesis has alone. */
  readonly solo: boolean;
}

/** Rounds of a stint once every nemesis had its turn. */
const ROUNDS = 5;
/** A round with Sentinels takes three times as long as another. */
const SENTINEL_ROUNDS = 2;

/** In words, for the plan. */
export function named({ shape, tls, sentinels }: SetUp): string {
  return [sentinels ? "Sentinels" : shape, ...(tls ? ["TLS"] : [])].join(" + ");
}

/**
 * What is to be played: each nemesis alone, in the set-up that it is for (half of those for any with TLS), in an order of
 * chance; then two at a time, in set-ups of chance, without end. Those of Sentinels stay alone.
 */
export function* stints(nemeses: readonly Nemesis[], random: Random): Generator<Stint, never> {
  const forAny = nemeses.filter((one) => one.only === undefined);
  const forOne = (set: Nemesis["only"]): Nemesis[] => nemeses.filter((one) => one.only === set);
  const [chained, watched] = [forOne("chain"), forOne("sentinels")];
  const alone = (these: readonly Nemesis[]): Nemesis[][] => mixed(these, random).map((one) => [one]);
  const coin = (): boolean => random.next() < 0.5;
  const any = mixed(forAny, random);
  const half = Math.ceil(any.length / 2);
  yield* mixed<Stint>(
    [
      {
        setUp: { shape: "star", tls: false, sentinels: false },
        hands: any.slice(0, half).map((one) => [one]),
        solo: true,
      },
      { setUp: { shape: "star", tls: true, sentinels: false }, hands: any.slice(half).map((one) => [one]), solo: true },
      { setUp: { shape: "chain", tls: coin(), sentinels: false }, hands: alone(chained), solo: true },
      { setUp: { shape: "star", tls: coin(), sentinels: true }, hands: alone(watched), solo: true },
    ],
    random,
  ).filter(({ hands }) => hands.length > 0);

  const decks = { star: shuffled(forAny, random), chain: shuffled([...forAny, ...chained], random) };
  const sentinels = shuffled(watched, random);
  const shapes: readonly (Shape | "sentinels")[] = [
    ...(forAny.length > 0 ? (["star", "chain"] as const) : chained.length > 0 ? (["chain"] as const) : []),
    ...(watched.length > 0 ? (["sentinels"] as const) : []),
  ];
  for (;;) {
    const which = shapes[random.int(shapes.length)] as Shape | "sentinels";
    if (which === "sentinels") {
      const hands = Array.from({ length: SENTINEL_ROUNDS }, () => [sentinels.next().value]);
      yield { setUp: { shape: "star", tls: coin(), sentinels: true }, hands, solo: false };
    } else {
      const deck = decks[which];
      const hands = Array.from({ length: ROUNDS }, () => [deck.next().value, deck.next().value]);
      yield { setUp: { shape: which, tls: coin(), sentinels: false }, hands, solo: false };
    }
  }
}

function mixed<T>(these: readonly T[], random: Random): T[] {
  const left = [...these];
  const order: T[] = [];
  while (left.length > 0) order.push(left.splice(random.int(left.length), 1)[0] as T);
  return order;
}
