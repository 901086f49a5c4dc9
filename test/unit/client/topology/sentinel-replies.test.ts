import { describe, expect, it } from "vitest";
import { masterOfReply, nodesOfReply, parseSwitch } from "../../../../src/client/connection/sentinel-replies.js";

describe("a Sentinel's replies", () => {
  it("name the master, or nobody", () => {
    expect(masterOfReply(["10.0.0.1", "6379"])).toEqual({ host: "10.0.0.1", port: 6379 });
    for (const none of [null, [], ["", "6379"], ["h", "0"], ["h", "x"], "h"]) expect(masterOfReply(none)).toBeNull();
  });

  it("list nodes as flat lists, as maps and as objects; those that are down can be left out", () => {
    const up = ["name", "x", "ip", "10.0.0.2", "port", "6380", "flags", "slave"];
    const down = ["ip", "10.0.0.3", "port", "6380", "flags", "s_down,slave,disconnected"];
    const address = { host: "10.0.0.2", port: 6380 };
    expect(nodesOfReply([up, down], true)).toEqual([address]);
    expect(nodesOfReply([up, down], false)).toHaveLength(2);
    expect(
      nodesOfReply(
        [
          new Map([
            ["ip", "10.0.0.2"],
            ["port", "6380"],
          ]),
        ],
        true,
      ),
    ).toEqual([address]);
    expect(nodesOfReply([{ ip: "10.0.0.2", port: 6380, flags: "slave" }], true)).toEqual([address]);
    expect(nodesOfReply("ERR", true)).toEqual([]);
  });

  it("tell of a switch, of our master only", () => {
    expect(parseSwitch("mymaster 10.0.0.1 6379 10.0.0.2 6380", "mymaster")).toEqual({ host: "10.0.0.2", port: 6380 });
    expect(parseSwitch("other 10.0.0.1 6379 10.0.0.2 6380", "mymaster")).toBeNull();
    expect(parseSwitch("mymaster 10.0.0.1 6379", "mymaster")).toBeNull();
  });
});
