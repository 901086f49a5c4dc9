import { describe, expect, test } from "vitest";
import { read, repositoryFiles } from "./support/repository.js";

/** Rows of what goes wrong in replicated Redis: findings that shape the client, and faults with what it does. */
const FINDINGS = 28;
const FAULTS = 27;

/** Rows that no table of values can tell, or not the whole of, with the test that does. */
const ELSEWHERE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  "finding 4": [
    "test/unit/client/engine/write-lane.test.ts",
    "a write that was handed to the socket is of unknown outcome and is never sent again",
  ],
  "finding 5": [
    "test/e2e/scenarios/secrets.test.ts",
    "the password is in no error, event, inspection or JSON of anything",
  ],
  "finding 6": ["test/unit/client/connection/node-connection.test.ts", "ends with a reply that nobody asked for"],
  "finding 7": ["test/e2e/dedicated/blocking.test.ts", "counts the replicas in WAIT by a write of its own"],
  "finding 8": ["test/e2e/support/stage.test.ts", "what an isolated master acknowledges is lost with it"],
  "finding 13": ["test/unit/cli/doctor.test.ts", "clock-skew"],
  "finding 15": ["test/e2e/dedicated/subscriber.test.ts", "leaves a demoted master, which would keep it connected"],
  "finding 19": [
    "test/unit/client/connection/node-connection.test.ts",
    "a fence in front is judged before what stands behind it is answered",
  ],
  "finding 23": [
    "test/unit/client/engine/write-lane.test.ts",
    "a write that was refused is not sent again once a later write of its key was applied",
  ],
  "finding 25": [
    "test/unit/client/connection/node-connection.test.ts",
    "kills the connection that left writes unanswered before it is open",
  ],
  "finding 26": ["test/unit/client/engine/ack-waiter.test.ts", "is not confirmed by a new history"],
  "finding 28": ["test/e2e/dedicated/blocking.test.ts", "blocks several at once, each alone"],
  "fault 15": [
    "test/e2e/faults/limits.test.ts",
    "a reply over the output buffer limit closes its connection: the command fails, and harms no read beside it",
  ],
  "fault 22": ["test/e2e/dedicated/subscriber.test.ts", "notices a hung server by PING and moves"],
  "fault 24": ["test/e2e/scenarios/transports.test.ts", "a certificate for another name"],
  "fault 26": ["test/unit/client/topology/monitor.test.ts", "when the client itself stood still"],
};

const tables = repositoryFiles().filter((path) => /^test\/spec\/.*\.json$/.test(path));
const names = tables.flatMap((path) =>
  [...read(path).matchAll(/"name": "((?:[^"\\]|\\.)*)"/g)].map(([, name]) => name ?? ""),
);
/** `fault 4: …`, `finding 11, fault 11: …` */
const told = new Set(
  names.flatMap((name) => {
    const rows = /^((?:(?:finding|fault) \d+(?:, )?)+): /.exec(name)?.[1];
    return rows?.split(", ") ?? [];
  }),
);
const rows = [
  ...Array.from({ length: FINDINGS }, (_, index) => `finding ${index + 1}`),
  ...Array.from({ length: FAULTS }, (_, index) => `fault ${index + 1}`),
];

describe("what goes wrong in replicated Redis", () => {
  test("is told row by row: by a case of a table where values suffice, else by the test named here", () => {
    expect(rows.filter((row) => !told.has(row) && !(row in ELSEWHERE))).toEqual([]);
  });

  test("each test that is named here exists, for rows that are rows and that no table tells", () => {
    expect([...told, ...Object.keys(ELSEWHERE)].filter((row) => !rows.includes(row))).toEqual([]);
    expect(Object.keys(ELSEWHERE).filter((row) => told.has(row))).toEqual([]);
    const missing = Object.values(ELSEWHERE).filter(([file, title]) => !read(file).includes(title));
    expect(missing).toEqual([]);
  });

  test("reduce() and select() are proven by at least 150 cases", () => {
    const cases = (pattern: RegExp): number =>
      tables
        .filter((path) => pattern.test(path))
        .reduce((sum, path) => sum + [...read(path).matchAll(/"name": /g)].length, 0);
    expect(cases(/failover-[a-z]+\.json$/)).toBeGreaterThan(100);
    expect(cases(/failover-[a-z]+\.json$/) + cases(/routing\.json$/)).toBeGreaterThanOrEqual(150);
  });
});
