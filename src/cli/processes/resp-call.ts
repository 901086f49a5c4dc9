import { createConnection } from "node:net";

/** What a server answered, with bulk strings decoded as UTF-8. Error replies reject instead. */
export type PlainReply = string | number | null | PlainReply[];

/** An error reply of the server; the message is the server's own text. */
export class ErrorReplyError extends Error {
  override name = "ErrorReplyError";
}

const incomplete = Symbol("incomplete");

/**
 * Sends commands on a connection of their own and closes it: it shares no state with any client under test.
 *
 * @param address where the server listens
 * @param commands sent in one write; a command is a list of words
 * @param timeoutMs deadline for the whole exchange; a stopped process accepts connections and never answers
 * @returns one reply per command; an error reply stands in its place as an {@link ErrorReplyError}
 */
export function respCall(
  address: { host: string; port: number },
  commands: readonly (readonly (string | number | Buffer)[])[],
  timeoutMs: number,
): Promise<(PlainReply | ErrorReplyError)[]> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(address);
    const replies: (PlainReply | ErrorReplyError)[] = [];
    let buffered: Buffer = Buffer.alloc(0);
    const fail = (error: Error): void => {
      clearTimeout(deadline);
      socket.destroy();
      reject(error);
    };
    const deadline = setTimeout(
      () => fail(new Error(`${address.host}:${address.port} gave no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.on("error", fail);
    socket.on("close", () => fail(new Error(`${address.host}:${address.port} closed the connection`)));
    socket.on("data", (chunk) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      const reader = new ReplyReader(buffered);
      for (;;) {
        const start = reader.at;
        const reply = reader.read();
        if (reply === incomplete) {
          buffered = buffered.subarray(start);
          return;
        }
        replies.push(reply);
        if (replies.length === commands.length) {
          clearTimeout(deadline);
          socket.removeAllListeners("close");
          socket.destroy();
          resolve(replies);
          return;
        }
      }
    });
    socket.write(Buffer.concat(commands.map(encode)));
  });
}

function encode(words: readonly (string | number | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** Reads RESP2 from a buffer that may end in the middle of a reply. */
class ReplyReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): PlainReply | ErrorReplyError | typeof incomplete {
    const lineEnd = this.#bytes.indexOf("\r\n", this.at);
    if (lineEnd < 0) return incomplete;
    const type = this.#bytes.toString("latin1", this.at, this.at + 1);
    const line = this.#bytes.toString("utf8", this.at + 1, lineEnd);
    this.at = lineEnd + 2;
    switch (type) {
      case "+":
        return line;
      case "-":
        return new ErrorReplyError(line);
      case ":":
        return Number(line);
      case "$":
        return this.#bulk(Number(line));
      case "*":
        return this.#array(Number(line));
      default:
        throw new Error(`not a RESP2 reply: ${JSON.stringify(type + line)}`);
    }
  }

  #bulk(length: number): string | null | typeof incomplete {
    if (length < 0) return null;
    if (this.#bytes.length < this.at + length + 2) return incomplete;
    const text = this.#bytes.toString("utf8", this.at, this.at + length);
    this.at += length + 2;
    return text;
  }

  #array(length: number): PlainReply | typeof incomplete {
    if (length < 0) return null;
    const items: PlainReply[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.read();
      if (item === incomplete) return incomplete;
      items.push(item instanceof ErrorReplyError ? item.message : item);
    }
    return items;
  }
}
