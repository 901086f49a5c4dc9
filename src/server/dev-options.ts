import type { Clock } from "../core/clock.js";
import type { Transport } from "./net/transport.js";

/** Where a server is reached. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** TLS of a {@link DevServer}: certificates as PEM texts. */
export interface DevServerTls {
  /** The server's certificate, with the chain up to its CA; a replica shows it to its master too. */
  readonly cert: string | Buffer;
  /** The private key of `cert`. */
  readonly key: string | Buffer;
  /** Of the key, if it is encrypted. */
  readonly passphrase?: string;
  /** Whose certificates to trust, of masters and of clients. Default: `cert` itself, as for a self-signed one. */
  readonly ca?: string | Buffer;
  /** Whether clients must show a certificate, may (then a valid one), or need not: `tls-auth-clients`. Default `no`. */
  readonly authClients?: "yes" | "optional" | "no";
}

/** How a {@link DevServer} starts. Everything may be left out. */
export interface DevServerOptions {
  /** TCP port; 0 (the default) takes a free one, which `restart()` keeps. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1`. Another bind than loopback needs a `password`. */
  readonly host?: string;
  /** Start as a replica of this master. `start()` resolves without waiting for the first sync. */
  readonly replicaOf?: Address;
  /** `requirepass`, and `masterauth` too, so that servers of one topology can share it. */
  readonly password?: string;
  /** Listen with TLS and nothing else, and follow a master with TLS. Files may be named in `config` instead. Default: no TLS. */
  readonly tls?: DevServerTls;
  /** Dataset to start with: an RDB file, by its path or its bytes, of any version from Redis 2 to 7.2. */
  readonly rdb?: string | Uint8Array;
  /**
   * Dataset to start with, taken from a Redis that runs: `redis://[user:password@]host[:port]`, or `rediss://` for TLS with
   * the certificates of `tls`. The server replicates once, then stands alone; `start()` resolves when it does, or rejects after a minute of its clock.
   */
  readonly seedFrom?: string;
  /** Directives as in redis.conf, by name: `{ "repl-backlog-size": "64kb" }`. Unknown names and bad values throw. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Makes every random choice (replid, SPOP, RANDOMKEY, retry jitter) follow from this number. Default: by chance. */
  readonly seed?: number;
  /** Takes the server's log lines, as redis-server would print them. Default: they go nowhere. */
  readonly log?: (level: "debug" | "verbose" | "notice" | "warning", text: string) => void;
  /** Source of time for TTLs, blocking timeouts, replication timers. Default: the system's. */
  readonly clock?: Clock;
  /**
   * What it listens on and connects by: `memoryTransport()` needs no port of the machine, and any `host` and `port` will do.
   * Servers reach each other over the same instance only. Default: the system's sockets.
   */
  readonly transport?: Transport;
}

/** How a {@link DevTopology} starts. */
export interface DevTopologyOptions extends Omit<DevServerOptions, "replicaOf"> {
  /** Number of replicas of the master. Default 2. `port` is the master's; replicas take free ports. */
  readonly replicas?: number;
  /** Number of Sentinels inside this process that watch the master, under the name `mymaster`. Default 0. */
  readonly sentinels?: number;
  /** Each replica applies the stream this many milliseconds late (`faults.lag`). Default 0. */
  readonly lagMs?: number;
}
