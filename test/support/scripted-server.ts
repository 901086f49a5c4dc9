import { createServer, type Server, type Socket } from "node:net";
import { eventually } from "./eventually.js";

/** A command that a client sent and the script has not yet answered. */
export interface Asked {
  /** Name and arguments as sent. */
  readonly words: readonly string[];
  readonly line: string;
  readonly socket: Socket;
}

/** What INFO replication says of the scripted server; change it while it runs. */
export interface ScriptedInfo {
  role: "master" | "slave";
  replid: string;
  offset: number;
  runId: string;
  mode: "standalone" | "cluster" | "sentinel";
  /** As Valkey tells it; empty = not configured. */
  zone: string;
  /** As Valkey tells its version beside that of Redis; empty = a Redis. */
  valkey: string;
}

export const REPLID = "a".repeat(40);

/**
 * A RESP server on port 0 of which the test decides every reply. It greets by itself (HELLO, INFO, CLIENT, SELECT,
 * COMMAND), so that a connection gets open, until `manual` is set; all else waits for {@link answer}.
 */
export class ScriptedServer {
  readonly info: ScriptedInfo = {
    role: "master",
    replid: REPLID,
    offset: 100,
    runId: "run-1",
    mode: "standalone",
    zone: "",
    valkey: "",
  };
  /** All that was asked, answered by itself or not, one line each. */
  readonly log: string[] = [];
  /** What waits for an answer, oldest first. */
  readonly waiting: Asked[] = [];
  /** Chunks as they arrived: one per write of the client, as long as they are small and far enough apart. */
  readonly chunks: string[] = [];
  readonly sockets = new Set<Socket>();
  /** Nothing is answered by itself. */
  manual = false;
  /** Lines that begin so are left to the test. */
  readonly held: string[] = [];
  #server: Server;
  #clients = 0;
  #port = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ScriptedServer> {
    const server = createServer();
    const scripted = new ScriptedServer(server);
    server.on("connection", (socket) => scripted.#accept(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return scripted;
  }

  /** Known after the server was stopped, too. */
  get port(): number {
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
    return this.#port;
  }

  get id(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits until as many commands wait for an answer; gives their lines. */
  async asked(count: number): Promise<string[]> {
    await eventually(() => this.waiting.length >= count);
    return this.waiting.map(({ line }) => line);
  }

  /** Answers the oldest commands that wait, all in one write: see {@link encodeReply}. */
  answer(...replies: unknown[]): void {
    let socket: Socket | null = null;
    let text = "";
    for (const reply of replies) {
      const asked = this.waiting.shift();
      if (asked === undefined) throw new Error("nothing waits for an answer");
      socket = asked.socket;
      text += reply === INFO ? bulk(this.infoText()) : encodeReply(reply);
    }
    socket?.write(text);
  }

  /** Ends every connection, as a server that dies. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#port = this.port;
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  infoText(): string {
    const { role, replid, offset } = this.info;
    const link =
      role === "slave" ? `master_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:${offset}\r\n` : "";
    return `role:${role}\r\n${link}master_replid:${replid}\r\nmaster_replid2:${"0".repeat(40)}\r\nmaster_repl_offset:${offset}\r\nsecond_repl_offset:-1\r\nrepl_backlog_first_byte_offset:1\r\nrepl_backlog_histlen:${offset}\r\n`;
  }

  #accept(socket: Socket): void {
    const client = ++this.#clients;
    this.sockets.add(socket);
    let received = "";
    socket.on("error", () => {});
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("data", (chunk) => {
      this.chunks.push(chunk.toString("latin1"));
      received += chunk.toString("latin1");
      for (let parsed = parse(received); parsed !== null; parsed = parse(received)) {
        received = received.slice(parsed.end);
        this.#take(parsed.words, socket, client);
      }
    });
  }

  #take(words: readonly string[], socket: Socket, client: number): void {
    const line = words.join(" ");
    this.log.push(line);
    const reply = this.manual || this.held.some((start) => line.startsWith(start)) ? null : this.#greet(words, client);
    // Replies keep the order of the commands: behind one that waits, all wait.
    if (reply === null || this.waiting.some((asked) => asked.socket === socket))
      this.waiting.push({ words, line, socket });
    else socket.write(reply);
  }

  #greet(words: readonly string[], client: number): string | null {
    const [name, second] = words.map((word) => word.toLowerCase());
    if (name === "hello") return "-ERR unknown command 'HELLO'\r\n";
    if (name === "select" || name === "readonly") return "+OK\r\n";
    if (name === "command") return "*0\r\n";
    if (name === "client") return second === "id" ? `:${client}\r\n` : second === "kill" ? ":1\r\n" : "+OK\r\n";
    if (name !== "info") return null;
    if (second === "server")
      return bulk(
        `redis_version:7.0.15\r\nredis_mode:${this.info.mode}\r\nrun_id:${this.info.runId}\r\navailability_zone:${this.info.zone}\r\n${this.info.valkey === "" ? "" : `server_name:valkey\r\nvalkey_version:${this.info.valkey}\r\n`}`,
      );
    if (second === "persistence") return bulk("loading:0\r\n");
    return bulk(this.infoText());
  }
}

/** Stands for the INFO replication that the server would give by itself. */
export const INFO = Symbol("info");

/** Text is a bulk string, or verbatim if it begins with "-" or "+"; numbers, null and lists as they are. */
export function encodeReply(reply: unknown): string {
  if (reply === null) return "$-1\r\n";
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (Array.isArray(reply)) return `*${reply.length}\r\n${reply.map(encodeReply).join("")}`;
  const text = String(reply);
  return text.startsWith("-") || text.startsWith("+") ? `${text}\r\n` : bulk(text);
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** The command at the start of `text`; null if it is not there whole. */
function parse(text: string): { words: string[]; end: number } | null {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  let end = head[0].length;
  const words: string[] = [];
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(end, end + 20));
    if (size === null) return null;
    const start = end + size[0].length;
    end = start + Number(size[1]) + 2;
    if (text.length < end) return null;
    words.push(text.slice(start, end - 2));
  }
  return { words, end };
}
