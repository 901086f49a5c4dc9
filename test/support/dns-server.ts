import { createSocket, type Socket } from "node:dgram";
import { type LookupAddress, Resolver } from "node:dns";
import type { AddressInfo, LookupFunction } from "node:net";

const A_RECORD = 1;
const SERVER_FAILURE = 2;

/** A name server on a loopback port of its own, which answers each question for an IPv4 address as the test says. */
export class DnsServer {
  readonly #socket: Socket;
  readonly #records = new Map<string, readonly string[]>();
  /** How many answers each name has given that shows one address at a time. */
  readonly #turns = new Map<string, number>();
  /** Questions for an IPv4 address so far. */
  asked = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, from) => {
      const reply = this.#answer(message);
      if (reply !== null) socket.send(reply, from.port, from.address);
    });
  }

  static async start(): Promise<DnsServer> {
    const socket = createSocket("udp4");
    const server = new DnsServer(socket);
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    return server;
  }

  /** From now on the name has these addresses; without any, its look-up fails. */
  set(name: string, ...addresses: readonly string[]): void {
    this.#records.set(name, addresses);
    this.#turns.delete(name);
  }

  /** From now on each answer for the name has one of these addresses, in turn. */
  rotate(name: string, ...addresses: readonly string[]): void {
    this.set(name, ...addresses);
    this.#turns.set(name, 0);
  }

  #addressesOf(name: string): readonly string[] {
    const addresses = this.#records.get(name) ?? [];
    const turn = this.#turns.get(name);
    if (turn === undefined) return addresses;
    this.#turns.set(name, turn + 1);
    return addresses.slice(turn % addresses.length).slice(0, 1);
  }

  /** What a client takes as `lookup`: it asks this server and nobody else. */
  lookup(): LookupFunction {
    const resolver = new Resolver({ timeout: 2000, tries: 1 });
    resolver.setServers([`127.0.0.1:${(this.#socket.address() as AddressInfo).port}`]);
    return (hostname, options, callback) => {
      resolver.resolve4(hostname, (error, addresses) => {
        const found: LookupAddress[] = (addresses ?? []).map((address) => ({ address, family: 4 }));
        const [first] = found;
        if (error || first === undefined) callback(error ?? new Error(`${hostname} has no address`), "", 4);
        else if (options.all) callback(null, found);
        else callback(null, first.address, 4);
      });
    };
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }

  /** The header and the question of the message, then one record per address (RFC 1035, 4.1). */
  #answer(message: Buffer): Buffer | null {
    const labels: string[] = [];
    let at = 12;
    for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
      labels.push(message.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    const end = at + 5;
    if (message.length < end) return null;
    const type = message.readUInt16BE(at + 1);
    if (type === A_RECORD) this.asked++;
    const addresses = type === A_RECORD ? this.#addressesOf(labels.join(".")) : [];
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    const code = type === A_RECORD && addresses.length === 0 ? SERVER_FAILURE : 0;
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(addresses.length, 6);
    const records = addresses.map((address) => {
      const record = Buffer.alloc(16);
      // The name is the one at offset 12; class IN, no time to live.
      record.writeUInt16BE(0xc00c, 0);
      record.writeUInt16BE(A_RECORD, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt16BE(4, 10);
      address.split(".").forEach((part, index) => {
        record[12 + index] = Number(part);
      });
      return record;
    });
    return Buffer.concat([header, message.subarray(12, end), ...records]);
  }
}
