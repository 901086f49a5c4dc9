import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../../core/clock.js";
import type { Target } from "../connection/address.js";
import { type ConnectionHost, NodeConnection } from "../connection/node-connection.js";
import type { OpenOptions } from "../connection/open-redis.js";
import type { Environment } from "../environment.js";
import { accessOf } from "../options/resolve.js";
import type { ResolvedOptions } from "../options/resolved.js";

/** Told of nothing: for connections that carry no fences and whose end shows in their commands. */
export const NOBODY: ConnectionHost = {
  isLone: () => true,
  wantsFence: () => false,
  fenceSending() {},
  fenced() {},
  closed() {},
};

/** ioredis's own default for the time a connection may take; here it covers the greeting too. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Makes connection generations: numbers them and finds the right credentials for each. */
export class Connections {
  #generation = 0;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly clock: Clock,
    /** Opens streams in the place of the system; null = the system does. */
    private readonly connect: Environment["connect"] = null,
  ) {}

  /** A connection that is still to be opened. Credentials are asked for anew, since they may rotate. */
  async create(target: Target, host: ConnectionHost): Promise<NodeConnection> {
    const options = await this.openOptions(target);
    return new NodeConnection(
      target.node,
      ++this.#generation,
      { ...options, connectTimeoutMs: this.connectTimeoutMs },
      this.clock,
      host,
    );
  }

  /** How a stream to an address is opened. */
  way(family: number | undefined): Pick<OpenOptions, "connect" | "family" | "lookup"> {
    const { lookup } = this.options;
    return {
      ...(this.connect === null ? {} : { connect: this.connect }),
      ...(family === undefined ? {} : { family }),
      ...(lookup === null ? {} : { lookup }),
    };
  }

  /** Streams are opened by something that the system's names mean nothing to. */
  get opensElsewhere(): boolean {
    return this.connect !== null;
  }

  get connectTimeoutMs(): number {
    return this.options.redis.connectTimeout ?? CONNECT_TIMEOUT_MS;
  }

  /** What an ioredis instance to this node is opened with. */
  async openOptions(target: Target): Promise<OpenOptions> {
    const { options } = this;
    const own = accessOf(options, target.name ?? target.node);
    const { username: _username, password: _password, tls: _tls, ...redis } = options.redis;
    const access = options.credentials ? await options.credentials() : own;
    return {
      endpoint: target.endpoint,
      ...this.way(options.redis.family),
      ...(own.tls ? { tls: named(own.tls, options, target) } : {}),
      redis: {
        ...redis,
        db: options.db,
        ...(access.username ? { username: access.username } : {}),
        ...(access.password ? { password: access.password } : {}),
      },
    };
  }
}

/** A certificate is issued to the name that the application gave, not to the address behind it. */
function named(tls: ConnectionOptions, { seeds }: ResolvedOptions, { name }: Target): ConnectionOptions {
  const address = seeds.find((seed) => seed.id === name)?.address;
  return address !== undefined && "host" in address ? { servername: address.host, ...tls } : tls;
}
