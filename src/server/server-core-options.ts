import type { Clock } from "../core/clock.js";
import type { Random } from "../core/random.js";
import type { CommandSpec } from "../protocol/command-table/types.js";
import type { Config } from "./config/config.js";
import type { CommandGroup } from "./dispatch/registry.js";
import type { TlsMaterial } from "./net/tls-settings.js";
import type { Transport } from "./net/transport.js";

/** Levels of Redis's log lines: `.` debug, `-` verbose, `*` notice, `#` warning. */
export type LogLevel = "debug" | "verbose" | "notice" | "warning";

/** What a {@link ServerCore} is made of. */
export interface ServerCoreOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Config;
  /** Where log lines go; default: nowhere. */
  readonly log?: (level: LogLevel, text: string) => void;
  /** `port: 0` means any free port; otherwise, as in redis.conf, no TCP at all. */
  readonly ephemeralPort?: "tcp" | "tls";
  /** What it listens on and connects by. Default: the system's sockets. */
  readonly transport?: Transport;
  /** Certificates for TLS, where the config names no files. */
  readonly tls?: TlsMaterial;
  /** Command groups beside those that are built in (replication's). */
  readonly groups?: readonly CommandGroup[];
  /** The only commands there are, with what the command table doesn't say: for a server of another kind. */
  readonly only?: { readonly groups: readonly CommandGroup[]; readonly specs: readonly CommandSpec[] };
  /** What HELLO and INFO say that it is. Default `standalone`. */
  readonly mode?: "standalone" | "sentinel";
}
