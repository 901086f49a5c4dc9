import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { type Endpoint, endpointId } from "../../client/connection/address.js";
import { openSocket } from "../../client/connection/connector.js";
import type { NodeAccess } from "../../client/options/resolved.js";
import { ReplyDecoder } from "../../protocol/resp/reply-decoder.js";

/** What a server answers, with strings as text. Error replies reject. */
export type AdminReply = string | number | null | AdminReply[];

/** An error reply; the message is the server's own text. */
export class AdminReplyError extends Error {
  override readonly name = "AdminReplyError";
  /** Its first word: `NOPERM`, `ERR`, … */
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.code = text.split(" ")[0] ?? "";
  }
}

/** The server couldn't be asked. */
export class AdminConnectionError extends Error {
  override readonly name = "AdminConnectionError";
}

interface Waiting {
  resolve(reply: AdminReply): void;
  reject(error: Error): void;
}

/**
 * A connection for the administrator's questions: to one server whatever its role and state, in RESP2, with a
 * deadline for each answer. The client's own connections are no substitute: they route, retry and refuse to talk to
 * a server that is out of rotation, which is just the one that is of interest here.
 *
 * One that was lost is opened again by the next question (Sentinel kills all connections of the server it promotes);
 * what was on its way is not asked again.
 */
export class AdminConnection {
  readonly id: string;
  #link: Link | null = null;
  #opening: Promise<Link> | null = null;
  #closed = false;

  private constructor(
    private readonly address: Endpoint,
    private readonly access: NodeAccess,
    private readonly timeoutMs: number,
  ) {
    this.id = endpointId(address);
  }

  /**
   * Connects and logs in.
   *
   * @param timeoutMs for the connection, and for each answer after that
   * @throws AdminConnectionError, or AdminReplyError when the server refuses the password
   */
  static async open(address: Endpoint, access: NodeAccess, timeoutMs: number): Promise<AdminConnection> {
    const connection = new AdminConnection(address, access, timeoutMs);
    await connection.#opened();
    return connection;
  }

  /** Milliseconds since the epoch at which the server's certificate ends; null without TLS. */
  get certificateEndsAt(): number | null {
    return this.#link?.certificateEndsAt ?? null;
  }

  /** Asks one command; questions that are asked together go out together. */
  async call(...words: readonly (string | number)[]): Promise<AdminReply> {
    const link = this.#link?.failure === null ? this.#link : await this.#opened();
    return link.call(words);
  }

  /** As {@link call}, but an error reply is the value. */
  async ask(...words: readonly (string | number)[]): Promise<AdminReply | AdminReplyError> {
    try {
      return await this.call(...words);
    } catch (error) {
      if (error instanceof AdminReplyError) return error;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    this.#link?.fail(new Error("closed"));
  }

  #opened(): Promise<Link> {
    if (this.#closed) return Promise.reject(new AdminConnectionError(`${this.id}: closed`));
    this.#opening ??= Link.open(this.address, this.access, this.timeoutMs)
      .then((link) => {
        this.#link = link;
        if (this.#closed) link.fail(new Error("closed"));
        return link;
      })
      .finally(() => {
        this.#opening = null;
      });
    return this.#opening;
  }
}

/** One socket with the questions that wait on it. */
class Link {
  failure: Error | null = null;
  readonly #id: string;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #waiting: Waiting[] = [];
  readonly #decoder: ReplyDecoder;

  private constructor(id: string, socket: Socket, timeoutMs: number) {
    this.#id = id;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#decoder = new ReplyDecoder({
      wantsText: () => true,
      reply: (value) => this.#waiting.shift()?.resolve(value as AdminReply),
      errorReply: (text) => this.#waiting.shift()?.reject(new AdminReplyError(text)),
      nestedError: (text) => text,
      push: () => {},
    });
    socket.on("data", (chunk) => {
      try {
        this.#decoder.write(chunk);
      } catch (error) {
        this.fail(error as Error);
      }
    });
    socket.on("error", (error) => this.fail(error));
    socket.on("close", () => this.fail(new Error("it closed the connection")));
  }

  static async open(address: Endpoint, access: NodeAccess, timeoutMs: number): Promise<Link> {
    const socket = openSocket({ endpoint: address, ...(access.tls === null ? {} : { tls: access.tls }) });
    socket.setNoDelay(true);
    const link = new Link(endpointId(address), socket, timeoutMs);
    try {
      await link.#within("no connection", (entry) => {
        link.#waiting.push(entry);
        socket.once(access.tls === null ? "connect" : "secureConnect", () => link.#waiting.shift()?.resolve(null));
      });
      if (access.password !== null)
        await link.call(["AUTH", ...(access.username === null ? [] : [access.username]), access.password]);
      return link;
    } catch (error) {
      link.fail(error as Error);
      throw error;
    }
  }

  get certificateEndsAt(): number | null {
    if (!(this.#socket instanceof TLSSocket)) return null;
    const ends = Date.parse(this.#socket.getPeerCertificate().valid_to);
    return Number.isNaN(ends) ? null : ends;
  }

  call(words: readonly (string | number)[]): Promise<AdminReply> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return this.#within("no answer", (entry) => {
      this.#waiting.push(entry);
      this.#socket.write(encode(words));
    });
  }

  fail(cause: Error): void {
    if (this.failure !== null) return;
    const code = (cause as NodeJS.ErrnoException).code;
    const reason = code === undefined || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
    this.failure = new AdminConnectionError(`${this.#id}: ${reason || (code ?? "connection failed")}`);
    this.#socket.destroy();
    for (const { reject } of this.#waiting.splice(0)) reject(this.failure);
  }

  /** Replies come in the order of the questions, so one that is late ends the connection. */
  #within(what: string, begin: (entry: Waiting) => void): Promise<AdminReply> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.fail(new Error(`${what} within ${this.#timeoutMs} ms`)), this.#timeoutMs);
      begin({
        resolve: (reply) => {
          clearTimeout(deadline);
          resolve(reply);
        },
        reject: (error) => {
          clearTimeout(deadline);
          reject(error);
        },
      });
    });
  }
}

function encode(words: readonly (string | number)[]): string {
  return words.reduce<string>((text, word) => {
    const value = String(word);
    return `${text}$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  }, `*${words.length}\r\n`);
}
