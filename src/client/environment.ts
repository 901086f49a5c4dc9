import type { Socket } from "node:net";
import { type Clock, systemClock } from "../core/clock.js";
import { type Random, systemRandom } from "../core/random.js";
import type { ClientTransport } from "./options/types.js";

/** What a client takes from the world around it. The simulation hands in another one; applications have no use for that. */
export interface Environment {
  readonly clock: Clock;
  readonly random: Random;
  /** Opens a stream to that address instead of a socket of the system; null = the system's. */
  readonly connect: ((address: { readonly host: string; readonly port: number }) => Socket) | null;
}

/** The world as it is. */
export const systemEnvironment: Environment = { clock: systemClock, random: systemRandom, connect: null };

/** The key under which options may carry an {@link Environment}. @internal */
export const ENVIRONMENT = Symbol("environment");

/** The environment that these options carry, or the system's with the transport that they name. */
export function environmentOf(options: unknown, transport: ClientTransport | null): Environment {
  const carried =
    typeof options === "object" && options !== null
      ? (options as { readonly [ENVIRONMENT]?: Environment })[ENVIRONMENT]
      : undefined;
  if (carried !== undefined || transport === null) return carried ?? systemEnvironment;
  return { ...systemEnvironment, connect: (address) => transport.connect(address) as Socket };
}
