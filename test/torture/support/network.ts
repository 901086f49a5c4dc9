import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { withParentDeathSignal } from "../../../src/cli/processes/redis-process.js";

const run = promisify(execFile);

/** Set in the process that runs in a network of its own. */
const INSIDE = "TORTURE_NETWORK";
const GATEWAY = "10.77.0.1";
/** Nobody has it: what is sent there is lost on the way, in silence. */
const NOWHERE = "02:00:00:00:00:99";

/** An end of a cut: the clients' side (with all proxies), or the host of a server or Sentinel. */
export type End = "clients" | number;

/** How to run a program in a network namespace of its own as whoever we are; null = the kernel does not let us. */
function unshareWords(): string[] | null {
  const words = ["unshare", "--net", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"])];
  const probe = "ip link set lo up && ip link add probe type bridge && ip link add near type veth peer name far";
  const [program = "", ...args] = [...words, "sh", "-c", probe];
  return spawnSync(program, args, { stdio: "ignore" }).status === 0 ? words : null;
}

/**
 * Runs this program again in a network namespace of its own, where it may do as it likes, and takes over its exit
 * code. Returns null if this *is* that process, and words if there can be none.
 */
export async function enterOwnNetwork(): Promise<number | null | string> {
  if (process.env[INSIDE] === "1") return null;
  const words = unshareWords();
  if (words === null) return "no network namespaces here: unshare --net, a bridge and veth pairs are needed";
  const [program, args] = withParentDeathSignal([
    ...words,
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]);
  const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, [INSIDE]: "1" } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/**
 * A host for each server: network namespaces joined by a bridge, as machines by a switch. Whoever is cut off sends
 * into the void: no reset, no refusal, as when a cable is pulled.
 */
export class Network {
  readonly #holders: ChildProcess[] = [];
  readonly #cuts: (readonly [from: End, to: End])[] = [];

  static async open(hosts: number): Promise<Network> {
    const network = new Network();
    for (const line of [
      "link set lo up",
      "link add br0 type bridge",
      "link set br0 up",
      `addr add ${GATEWAY}/24 dev br0`,
    ])
      await ip(line);
    for (let place = 0; place < hosts; place++) await network.#add(place);
    return network;
  }

  readonly gateway = GATEWAY;

  hostOf(place: number): string {
    return `10.77.0.${11 + place}`;
  }

  /** Words that run a program on that host. */
  launcher(place: number): readonly string[] {
    return ["nsenter", `--net=/proc/${this.#holders[place]?.pid}/ns/net`];
  }

  /** What `from` sends to `to` is lost from now on. */
  async cut(from: End, to: End): Promise<void> {
    this.#cuts.push([from, to]);
    await this.#neighbour(from, ["replace", this.#address(to), "lladdr", NOWHERE, "nud", "permanent"]);
  }

  /** Cuts both ways. */
  async sever(one: End, other: End): Promise<void> {
    await this.cut(one, other);
    await this.cut(other, one);
  }

  /** Ends all cuts. */
  async heal(): Promise<void> {
    for (const [from, to] of this.#cuts.splice(0)) await this.#neighbour(from, ["del", this.#address(to)]);
  }

  close(): void {
    for (const holder of this.#holders) holder.kill("SIGKILL");
  }

  /** A process that does nothing but keep the host there while its server is dead. */
  async #add(place: number): Promise<void> {
    const [program, args] = withParentDeathSignal(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"]);
    const holder = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#holders.push(holder);
    await once(holder.stdout, "data");
    holder.stdout.destroy();
    holder.unref();
    await ip(`link add port${place} type veth peer name eth0 netns ${holder.pid}`);
    await ip(`link set port${place} master br0 up`);
    const there = (line: string): Promise<unknown> => this.#at(place, ["ip", ...line.split(" ")]);
    await there("link set lo up");
    await there(`addr add ${this.hostOf(place)}/24 dev eth0`);
    await there("link set eth0 up");
  }

  #address(end: End): string {
    return end === "clients" ? GATEWAY : this.hostOf(end);
  }

  async #neighbour(at: End, words: readonly string[]): Promise<void> {
    if (at === "clients") await run("ip", ["neigh", ...words, "dev", "br0"]);
    else await this.#at(at, ["ip", "neigh", ...words, "dev", "eth0"]);
  }

  async #at(place: number, words: readonly string[]): Promise<void> {
    const [program = "", ...args] = [...this.launcher(place), ...words];
    await run(program, args);
  }
}

async function ip(line: string): Promise<void> {
  await run("ip", line.split(" "));
}
