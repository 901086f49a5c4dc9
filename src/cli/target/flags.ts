import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { ReplicatedClientOptions } from "../../client/options/types.js";

/** What every command takes that talks to a deployment. */
export interface TargetFlags {
  readonly user?: string;
  readonly password?: string;
  readonly tls?: boolean;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly sni?: string;
  readonly insecure?: boolean;
  readonly sentinel?: readonly string[];
  readonly name?: string;
  readonly sentinelUser?: string;
  readonly sentinelPassword?: string;
  readonly sentinelTls?: boolean;
  readonly nat?: readonly string[];
}

/** The environment variables that hold passwords, as redis-cli names the first one. */
const PASSWORD_VARIABLE = "REDISCLI_AUTH";
const SENTINEL_PASSWORD_VARIABLE = "REDISCLI_SENTINEL_AUTH";

/** A command line that can't be meant; told without a stack, with exit code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Adds the addresses and the options that say how to reach and enter the nodes, spelt as redis-cli spells them. */
export function withTarget(command: Command): Command {
  const several = (text: string, former: readonly string[] = []): string[] => [...former, ...text.split(",")];
  return command
    .argument("[url...]", "any of its nodes: redis://[user:password@]host[:port], rediss://…, unix:///path, host:port")
    .option("--user <name>", "ACL user of the nodes")
    .addOption(
      new Option("--password <password>", `its password; others see it in the list of processes`).env(
        PASSWORD_VARIABLE,
      ),
    )
    .option("--tls", "TLS to nodes whose address doesn't say so")
    .option("--cacert <file>", "certificates of the authority that is trusted, PEM")
    .option("--cert <file>", "own certificate, PEM")
    .option("--key <file>", "its private key, PEM")
    .option("--sni <host>", "server name for TLS")
    .option("--insecure", "take any certificate")
    .option("--sentinel <host:port>", "ask this Sentinel for the nodes; several times or with commas", several)
    .option("--name <name>", "the name under which the Sentinels know the master")
    .option("--sentinel-user <name>", "ACL user of the Sentinels")
    .addOption(new Option("--sentinel-password <password>", "its password").env(SENTINEL_PASSWORD_VARIABLE))
    .option("--sentinel-tls", "TLS to the Sentinels, with the same certificates")
    .option("--nat <from=to>", "reach the address that a server tells (host:port) at another one", several);
}

/**
 * Makes client options of addresses and flags.
 *
 * @param readFile reads a file of certificates; a parameter for tests
 * @throws UsageError when the flags contradict each other
 */
export function clientOptions(
  urls: readonly string[],
  flags: TargetFlags,
  readFile: (path: string) => Buffer = readPem,
): ReplicatedClientOptions {
  const tls = tlsOptions(flags, readFile);
  const secure = flags.tls === true || urls.some((url) => url.startsWith("rediss:"));
  if (tls !== null && !secure && flags.sentinelTls !== true)
    throw new UsageError("Certificates are given and TLS isn't: add --tls, --sentinel-tls or write rediss://…");
  const redisOptions = {
    ...(flags.user === undefined ? {} : { username: flags.user }),
    ...(flags.password === undefined ? {} : { password: flags.password }),
    ...(secure ? { tls: tls ?? {} } : {}),
  };
  if (flags.user !== undefined && flags.password === undefined)
    throw new UsageError(`--user needs a password: --password or the environment variable ${PASSWORD_VARIABLE}`);
  const common = { redisOptions, ...(flags.nat === undefined ? {} : { natMap: natMap(flags.nat) }) };
  if (flags.sentinel === undefined) {
    for (const [flag, value] of Object.entries({ "--name": flags.name, "--sentinel-tls": flags.sentinelTls }))
      if (value !== undefined) throw new UsageError(`${flag} goes only with --sentinel`);
    if (urls.length === 0)
      throw new UsageError("No address: give one of a node, or --sentinel host:port --name mymaster");
    return { nodes: [...urls], ...common };
  }
  if (urls.length > 0) throw new UsageError("Give addresses of nodes or --sentinel, not both");
  if (flags.name === undefined) throw new UsageError("--sentinel needs --name, the name of the master");
  return {
    sentinels: flags.sentinel.map(sentinelAddress),
    name: flags.name,
    ...(flags.sentinelUser === undefined ? {} : { sentinelUsername: flags.sentinelUser }),
    ...(flags.sentinelPassword === undefined ? {} : { sentinelPassword: flags.sentinelPassword }),
    ...(flags.sentinelTls === true
      ? { enableTLSForSentinelMode: true, ...(tls === null ? {} : { sentinelTLS: tls }) }
      : {}),
    ...common,
  };
}

function tlsOptions(flags: TargetFlags, readFile: (path: string) => Buffer): Record<string, unknown> | null {
  if ((flags.cert === undefined) !== (flags.key === undefined)) throw new UsageError("--cert and --key go together");
  const options = {
    ...(flags.cacert === undefined ? {} : { ca: readFile(flags.cacert) }),
    ...(flags.cert === undefined ? {} : { cert: readFile(flags.cert) }),
    ...(flags.key === undefined ? {} : { key: readFile(flags.key) }),
    ...(flags.sni === undefined ? {} : { servername: flags.sni }),
    ...(flags.insecure === true ? { rejectUnauthorized: false } : {}),
  };
  return Object.keys(options).length === 0 ? null : options;
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`can't read ${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

function sentinelAddress(text: string): { host: string; port: number } {
  const colon = text.includes("]") ? text.indexOf("]:") + 1 : text.lastIndexOf(":");
  return colon > 0 ? hostAndPort(text) : { host: text.replace(/^\[|\]$/g, ""), port: 26_379 };
}

/** `host:port`, an IPv6 host in brackets. @throws UsageError */
export function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !/^\d+$/.test(text.slice(colon + 1)) || port < 1 || port > 65_535)
    throw new UsageError(`"${text}" is no address of the form host:port`);
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port };
}

function natMap(pairs: readonly string[]): Record<string, { host: string; port: number }> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [from, to, ...rest] = pair.split("=");
      if (from === undefined || to === undefined || rest.length > 0)
        throw new UsageError(`--nat takes from=to, such as 172.17.0.2:6379=127.0.0.1:7001; got "${pair}"`);
      const { host, port } = hostAndPort(from);
      return [`${host}:${port}`, hostAndPort(to)];
    }),
  );
}
