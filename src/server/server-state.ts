import type { Config } from "./config/config.js";
import { directives } from "./config/directives.js";
import type { Address } from "./dev-options.js";
import { writeSnapshot } from "./rdb/snapshot.js";
import type { Replication } from "./replication/replication.js";
import type { StreamState } from "./replication/stream-out.js";
import type { ServerCore } from "./server-core.js";

/** What makes up a server that runs. */
export interface Run {
  readonly core: ServerCore;
  readonly replication: Replication;
}

/** All that a server was at some time. */
export interface ServerState {
  readonly file: Buffer;
  readonly stream: StreamState;
  /** Database that the stream of a replica's master has selected. */
  readonly streamDb: number;
  readonly master: Address | null;
  readonly config: ReadonlyMap<string, string>;
  /** Users of the ACL, as lines of a config file. */
  readonly users: readonly string[];
  /** What SAVE had written. */
  readonly saved: Buffer | null;
}

/** Directives that say where a server is, not what. */
const PLACES = new Set(["bind", "port", "tls-port", "unixsocket", "unixsocketperm", "dir", "dbfilename", "logfile"]);

/** Notes everything of a running server: one consistent cut. */
export function captureServer({ core, replication }: Run, saved: Buffer | null): ServerState {
  const chunks: Buffer[] = [];
  writeSnapshot(core.databases, core.clock.epoch(), (chunk) => void chunks.push(chunk), replication.saver.options());
  const { link } = replication;
  return {
    file: Buffer.concat(chunks),
    stream: replication.out.capture(),
    streamDb: core.masterClient.db.index,
    master: link ? { host: link.host, port: link.port } : null,
    config: settingsOf(core.config),
    users: core.acl.lines(),
    saved,
  };
}

/** Makes a running server what another, or itself, was: a master, until it is told to follow somebody. */
export async function takeUpServer({ core, replication }: Run, state: ServerState): Promise<void> {
  await applySettings(core.config, state.config);
  // After the settings: requirepass is the default user's password.
  core.acl.takeUp(state.users);
  replication.takeUp(state.file, state.stream, state.streamDb);
}

function settingsOf(config: Config): Map<string, string> {
  return new Map(directives.map(({ name }) => [name, config.text(name)]));
}

async function applySettings(config: Config, settings: ReadonlyMap<string, string>): Promise<void> {
  const changes = directives.flatMap((directive) => {
    const value = settings.get(directive.name);
    if (value === undefined || PLACES.has(directive.name) || value === config.text(directive.name)) return [];
    return [[directive, value] as const];
  });
  if (changes.length === 0) return;
  for (const { run } of config.stage(changes).appliers) await run();
  config.tell(changes.map(([{ name }]) => name));
}
