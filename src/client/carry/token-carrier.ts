import type { ReplicatedClient } from "../replicated-client.js";
import type { ReplicatedSession } from "../replicated-session.js";
import { type CarryOptions, carryOptions, type ResolvedCarry } from "./carry-options.js";
import { cookieValue, setCookie } from "./cookie.js";

/** Headers of a request: those of `node:http`, which Express and Fastify hand on, or a `Headers` of fetch. */
export type RequestHeaders =
  | { readonly [name: string]: string | readonly string[] | undefined }
  | { get(name: string): string | null };

/** A causal session for the time of one request. */
export interface CarriedSession {
  /** Sees what earlier requests of the same caller have written and read. */
  readonly session: ReplicatedSession;
  /**
   * The headers for the response that hand the token on: to be asked for after the last call of the session, and set before
   * the response is sent. Rejects as `session.token()` does: with WritesLostError once if a failover took something
   * of the session (ask again for the token), with NoMasterError after `failoverTimeoutMs`.
   */
  headers(): Promise<Record<string, string>>;
}

/** Opens the session that a request carries, or a new one; the client may be any view of one. */
export type TokenCarrier = (redis: ReplicatedClient, headers: RequestHeaders) => CarriedSession;

/**
 * Carries the token of a causal session from one HTTP request of a caller to the next, in a cookie or a header, whatever
 * framework serves them and whichever process.
 *
 * ```ts
 * const carry = tokenCarrier({ name: "seen" });
 * const { session, headers } = carry(redis, request.headers);
 * await session.incr("visits");
 * response.writeHead(200, await headers());
 * ```
 * What a caller sends is user input: what is no token begins a new session and is counted in `redis.tokens`. A token is
 * neither secret nor signed; one that was made up can at worst send that caller's own reads to the master.
 * @throws InvalidOptionError
 */
export function tokenCarrier(options?: CarryOptions): TokenCarrier {
  const resolved = carryOptions(options);
  return (redis, headers) => {
    const token = tokenIn(headers, resolved);
    const session = redis.session(token);
    return {
      session,
      async headers() {
        const next = await session.token();
        return resolved.in === "header"
          ? { [resolved.name]: next }
          : { "set-cookie": setCookie(resolved.name, next, resolved) };
      },
    };
  };
}

function tokenIn(headers: RequestHeaders, { in: place, name }: ResolvedCarry): string | null {
  const header = place === "header" ? valueOf(headers, name.toLowerCase()) : valueOf(headers, "cookie");
  if (header === null) return null;
  return place === "header" ? header : cookieValue(header, name);
}

function valueOf(headers: RequestHeaders, name: string): string | null {
  if (typeof (headers as Headers).get === "function") return (headers as Headers).get(name);
  const value = (headers as Exclude<RequestHeaders, Headers>)[name as never] as string | readonly string[] | undefined;
  if (typeof value === "string") return value;
  return Array.isArray(value) && typeof value[0] === "string" ? value[0] : null;
}

interface Headers {
  get(name: string): string | null;
}
