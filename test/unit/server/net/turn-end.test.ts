import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/core/clock.js";
import { Connection } from "../../../../src/server/net/connection.js";

const ENDPOINTS = { peer: { host: "a", port: 1 }, local: { host: "b", port: 2 } };

/** A connection that answers each chunk with its length, and what it has written. */
function answering(stream: Duplex): { stream: Duplex; connection: Connection; written: string[] } {
  const written: string[] = [];
  stream._write = (data: Buffer | string, _encoding, done) => {
    written.push(data.toString("latin1"));
    done();
  };
  stream._writev = null as never;
  const connection = new Connection(stream, ENDPOINTS, systemClock);
  connection.onData = (chunk) => connection.write(`${chunk.length};`);
  return { stream, connection, written };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("replies", () => {
  it("wait for all sockets of the turn, and go out once", async () => {
    const [first, second] = [answering(new Socket()), answering(new Socket())];
    first.stream.emit("data", Buffer.from("ab"));
    second.stream.emit("data", Buffer.from("abc"));
    first.stream.emit("data", Buffer.from("abcd"));
    expect([first.written, second.written]).toEqual([[], []]);
    await turn();
    expect([first.written, second.written]).toEqual([["2;4;"], ["3;"]]);
  });

  it("don't wait where no system call is made", () => {
    const { stream, written } = answering(new Duplex({ read: () => {} }));
    stream.emit("data", Buffer.from("ab"));
    expect(written).toEqual(["2;"]);
  });

  it("are written by a close that comes earlier", async () => {
    const { stream, connection, written } = answering(new Socket());
    stream.emit("data", Buffer.from("ab"));
    connection.end();
    expect(written).toEqual(["2;"]);
    await turn();
    expect(written).toEqual(["2;"]);
  });
});
