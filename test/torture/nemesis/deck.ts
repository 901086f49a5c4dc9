import type { Random } from "../../../src/core/random.js";
import { chains } from "./chains.js";
import { masters, restarts } from "./masters.js";
import type { Nemesis } from "./nemesis.js";
import { networked, proxied } from "./networks.js";
import { watched } from "./sentinels.js";
import { servers } from "./servers.js";

/** Every nemesis there is. */
export const ALL: readonly Nemesis[] = [
  ...masters,
  ...restarts,
  ...servers,
  ...proxied,
  ...networked,
  ...chains,
  ...watched,
];

/** All of them in an order of chance, then all again in another one, and so on. */
export function* shuffled(nemeses: readonly Nemesis[], random: Random): Generator<Nemesis> {
  for (;;) {
    const left = [...nemeses];
    while (left.length > 0) yield left.splice(random.int(left.length), 1)[0] as Nemesis;
  }
}
