import { Duplex } from "node:stream";

/** An end of a memory connection: an address of the transport's own world. */
export interface MemoryEnd {
  readonly host: string;
  readonly port: number;
}

/** Carries what one end does to the other, in order; see `MemoryTransport`. */
export type Carry = (from: MemorySocket, bytes: number, arrive: () => void) => void;

/** An error as the system's sockets give it. */
export function systemError(code: string, call: string, at: MemoryEnd): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException & { address?: string; port?: number } = new Error(
    `${call} ${code} ${at.host}:${at.port}`,
  );
  error.code = code;
  error.syscall = call;
  error.address = at.host;
  error.port = at.port;
  return error;
}

/**
 * One end of a connection in memory. To those who use sockets it is one: backpressure (a write is done when the peer has
 * room), half-close, reset, and the members of `net.Socket` that clients of Redis call.
 */
export class MemorySocket extends Duplex {
  /** The peer has not accepted yet. */
  connecting: boolean;
  /** As `net.Socket` has it. */
  readonly remoteFamily = "IPv4";
  #peer: MemorySocket | null = null;
  readonly #carry: Carry;
  /** Told when the reader has room again: what the peer wrote last is done. */
  #drained: (() => void) | null = null;
  /** Writes made before the connection stood. */
  #early: (() => void)[] = [];
  #endReceived = false;

  /** @internal */
  constructor(
    carry: Carry,
    /** This end. */
    readonly local: MemoryEnd,
    /** The peer's end. */
    readonly remote: MemoryEnd,
    connecting: boolean,
  ) {
    super({ allowHalfOpen: false });
    this.#carry = carry;
    this.connecting = connecting;
  }

  /** Host of this end. */
  get localAddress(): string {
    return this.local.host;
  }

  /** Port of this end. */
  get localPort(): number {
    return this.local.port;
  }

  /** Host of the peer. */
  get remoteAddress(): string {
    return this.remote.host;
  }

  /** Port of the peer. */
  get remotePort(): number {
    return this.remote.port;
  }

  /** Joins two ends. The accepting one can be used at once, the other when {@link opened} is called. */
  static join(one: MemorySocket, other: MemorySocket): void {
    one.#peer = other;
    other.#peer = one;
  }

  /** The peer has accepted. */
  opened(): void {
    this.connecting = false;
    this.emit("connect");
    this.emit("ready");
    const early = this.#early;
    this.#early = [];
    for (const run of early) run();
  }

  override _read(): void {
    const drained = this.#drained;
    this.#drained = null;
    drained?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.connecting) this.#early.push(() => this.#send(chunk, done));
    else this.#send(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    const end = (): void => {
      const peer = this.#peer;
      this.#carry(this, 0, () => {
        if (peer) peer.#receiveEnd();
      });
      done();
    };
    if (this.connecting) this.#early.push(end);
    else end();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#early = [];
    if (peer && !this.connecting && !peer.destroyed) this.#carry(this, 0, () => peer.#receiveEnd());
    const drained = this.#drained;
    this.#drained = null;
    drained?.();
    done(error);
  }

  /** Closes at once; the peer gets ECONNRESET behind what was sent before. */
  resetAndDestroy(): this {
    const peer = this.#peer;
    this.#peer = null;
    if (peer) this.#carry(this, 0, () => peer.#receiveReset());
    return this.destroy();
  }

  /** Nothing to do here: no packet waits to be joined with another. */
  setNoDelay(): this {
    return this;
  }

  /** Nothing to do here: a peer in memory can't vanish in silence. */
  setKeepAlive(): this {
    return this;
  }

  /** Nothing to do here: time is the caller's. */
  setTimeout(): this {
    return this;
  }

  /** Nothing to do here: an idle connection in memory keeps no process alive. */
  ref(): this {
    return this;
  }

  /** See {@link ref}. */
  unref(): this {
    return this;
  }

  #send(chunk: Buffer, done: (error?: Error) => void): void {
    const peer = this.#peer;
    // The writer may use its buffer again as soon as the write is done.
    this.#carry(this, chunk.length, () => {
      if (!peer || peer.destroyed) done(systemError("ECONNRESET", "write", this.remote));
      else peer.#receive(chunk, done);
    });
  }

  #receive(chunk: Buffer, done: () => void): void {
    if (this.#endReceived || this.push(chunk)) done();
    else this.#drained = done;
  }

  #receiveEnd(): void {
    if (this.#endReceived || this.destroyed) return;
    this.#endReceived = true;
    this.push(null);
  }

  #receiveReset(): void {
    if (!this.destroyed) this.destroy(systemError("ECONNRESET", "read", this.remote));
  }
}
