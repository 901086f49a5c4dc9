import type { CausalSession } from "./consistency/session.js";
import type { Sessions } from "./engine/sessions.js";
import type { LostRange } from "./errors.js";
import type { ReplicatedClient } from "./replicated-client.js";

/** What `session()` takes beside a token. */
export interface SessionOptions {
  /**
   * What to do with a token that is garbled, cut or of an unknown version: `"new"` (the default) begins a new session
   * and counts it in `client.tokens`, `"throw"` throws InvalidTokenError. A token is user input; one that has expired,
   * or that names a history nobody here knows, is never an error: the session then begins with a read of the master.
   */
  readonly onInvalid?: "new" | "throw";
}

/** What a causal session has beyond the client that it is a view of. */
export interface SessionMethods {
  /**
   * The session as a string of at most 256 base64url characters, for `session(token)` here or in another process. Waits
   * until all that the session wrote has its place in the replication stream.
   * Rejects with WritesLostError (once, see {@link lost}), or with NoMasterError after `failoverTimeoutMs`.
   */
  token(): Promise<string>;
  /**
   * Takes over what the session of that token has seen: from now on this one reads at least as much.
   * @throws InvalidTokenError if it is none
   */
  merge(token: string): void;
  /** What failovers took of what this session had written or read, newest last, at most 64 ranges; frozen. */
  readonly lost: readonly LostRange[];
}

/**
 * A causal session: a full client whose reads see all that the session has written and read, whichever node serves
 * them and whatever becomes of the master. When a failover took some of that, its next call rejects once with
 * WritesLostError; then it goes on from where the histories parted.
 */
export type ReplicatedSession = ReplicatedClient & SessionMethods;

/** Gives a view the methods of a session. */
export function asSession(view: ReplicatedClient, session: CausalSession, sessions: () => Sessions): ReplicatedSession {
  const methods: PropertyDescriptorMap = {
    token: { value: () => sessions().token(session) },
    merge: { value: (token: string) => sessions().merge(session, token, "throw") },
    lost: { get: () => session.lost },
  };
  return Object.defineProperties(view, methods) as ReplicatedSession;
}
