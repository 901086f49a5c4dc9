import { type PsyncAnswer, parsePsyncAnswer } from "../../protocol/psync.js";
import type { Bytes } from "../../protocol/resp/reply.js";

/** What a replica tells its master before it asks for data. */
export interface HandshakeOptions {
  /** Null: no AUTH. */
  readonly auth: { readonly username: string | null; readonly password: string } | null;
  readonly listeningPort: number;
  /** replica-announce-ip; null = the master takes the socket's address. */
  readonly announceIp: string | null;
  /** The history and the next byte wanted; null = everything. */
  readonly resume: { readonly replid: string; readonly offset: number } | null;
  /** The master-to-be is told to take over (FAILOVER). */
  readonly takeOver: boolean;
}

/** What an answer answers; of options, which one, for the log. */
type Expect = "pong" | "auth" | "listening-port" | "ip-address" | "capa" | "psync";

/** Where a handshake is: the answers still to come, in order. */
export interface Handshake {
  readonly expect: readonly Expect[];
}

/** What a line of the master leads to. */
export type HandshakeStep =
  | {
      readonly kind: "more";
      readonly state: Handshake;
      readonly send: readonly (readonly Bytes[])[];
      /** A line for the log. */
      readonly note?: string;
    }
  | { readonly kind: "answer"; readonly answer: PsyncAnswer }
  /** The link must be closed and tried again. `reason` names no credential. */
  | { readonly kind: "failed"; readonly reason: string };

/** Begins: PING, to see that the master answers at all. */
export function beginHandshake(): { state: Handshake; send: readonly (readonly Bytes[])[] } {
  return { state: { expect: ["pong"] }, send: [["PING"]] };
}

/** Takes the master's next line (without CRLF) and says what to send. Pure. */
export function continueHandshake(state: Handshake, line: string, options: HandshakeOptions): HandshakeStep {
  const [expected, ...rest] = state.expect;
  switch (expected) {
    case "pong":
      return line === "" ? { kind: "more", state, send: [] } : afterPong(line, options);
    case "auth":
      if (line.startsWith("-")) return { kind: "failed", reason: `Unable to AUTH to MASTER: ${line}` };
      return next(rest, options);
    case "listening-port":
    case "ip-address":
    case "capa": {
      const step = next(rest, options);
      // An older master may know none of the options: it is no reason to give up.
      if (!line.startsWith("-") || step.kind !== "more") return step;
      const complaint = `(Non critical) Master does not understand REPLCONF ${expected}: ${line}`;
      return { ...step, note: step.note === undefined ? complaint : `${complaint}\n${step.note}` };
    }
    case "psync":
      // An empty line is the sign of life of a master that is still preparing its answer.
      if (line === "") return { kind: "more", state, send: [] };
      return { kind: "answer", answer: parsePsyncAnswer(line) };
    default:
      return { kind: "failed", reason: "a line after the handshake" };
  }
}

function afterPong(line: string, options: HandshakeOptions): HandshakeStep {
  const tolerated = ["+", "-NOAUTH", "-NOPERM", "-ERR operation not permitted"];
  if (!tolerated.some((start) => line.startsWith(start))) {
    return { kind: "failed", reason: `Error reply to PING from master: '${line}'` };
  }
  const { auth, announceIp, listeningPort } = options;
  const send: Bytes[][] = [];
  const expect: Expect[] = [];
  if (auth) {
    send.push(auth.username === null ? ["AUTH", auth.password] : ["AUTH", auth.username, auth.password]);
    expect.push("auth");
  }
  send.push(["REPLCONF", "listening-port", String(listeningPort)]);
  expect.push("listening-port");
  if (announceIp !== null) {
    send.push(["REPLCONF", "ip-address", announceIp]);
    expect.push("ip-address");
  }
  send.push(["REPLCONF", "capa", "eof", "capa", "psync2"]);
  expect.push("capa");
  return { kind: "more", state: { expect }, send, note: "Master replied to PING, replication can continue..." };
}

function next(rest: readonly Expect[], options: HandshakeOptions): HandshakeStep {
  if (rest.length > 0) return { kind: "more", state: { expect: rest }, send: [] };
  const { resume } = options;
  const psync = resume ? ["PSYNC", resume.replid, String(resume.offset)] : ["PSYNC", "?", "-1"];
  if (options.takeOver) psync.push("FAILOVER");
  const note = resume
    ? `Trying a partial resynchronization (request ${resume.replid}:${resume.offset}).`
    : "Partial resynchronization not possible (no cached master)";
  return { kind: "more", state: { expect: ["psync"] }, send: [psync], note };
}
