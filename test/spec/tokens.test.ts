import { expect, test } from "vitest";
import { LinkTable } from "../../src/client/consistency/history.js";
import { decodeToken, encodeToken, type SessionToken } from "../../src/client/consistency/token.js";
import { judgeBracket } from "../../src/client/consistency/write-history.js";
import { strictCase, uniqueNames } from "../support/strict-case.js";
import table from "./tokens.json" with { type: "json" };

interface Judge {
  name: string;
  judge: [lo: number, hi: number | null, fork: number];
  is: string;
}
interface Convert {
  name: string;
  links: [from: string, to: string, at: number | "never"][];
  convert: [replid: string, offset: number];
  to: string;
  capacity?: number;
  is: [replid: string, offset: number] | null;
}
interface Coded {
  name: string;
  token: SessionToken;
  damage?: { change?: number; cut?: number; append?: string };
  is: SessionToken | null;
}
interface Garbage {
  name: string;
  text: unknown;
  is: null;
}

const cases = uniqueNames(table as unknown as (Judge | Convert | Coded | Garbage)[]);
const only = <T>(field: keyof T & string) => cases.filter((one) => field in one) as unknown as T[];

test("every case is of one kind", () => {
  const kinds = [only<Judge>("judge"), only<Convert>("convert"), only<Coded>("token"), only<Garbage>("text")];
  expect(kinds.flat()).toHaveLength(cases.length);
});

test.each(only<Judge>("judge"))("$name", (one) => {
  strictCase(one, ["name", "judge", "is"]);
  expect(judgeBracket(...one.judge)).toBe(one.is);
});

test.each(only<Convert>("convert"))("$name", (one) => {
  strictCase(one, ["name", "links", "convert", "to", "capacity", "is"]);
  const table = new LinkTable(one.capacity);
  for (const [from, to, at] of one.links) table.add({ from, to, at: at === "never" ? Number.POSITIVE_INFINITY : at });
  const [replid, offset] = one.convert;
  const fork = table.forkOf(replid, one.to);
  const found = fork !== null && offset < fork ? { replid: one.to, offset } : null;
  expect(found).toEqual(one.is && { replid: one.is[0], offset: one.is[1] });
});

test.each(only<Coded>("token"))("$name", (one) => {
  strictCase(one, ["name", "token", "damage", "is"]);
  let text = encodeToken(one.token);
  expect(text.length).toBeLessThanOrEqual(256);
  expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
  if (one.damage) {
    strictCase(one.damage, ["change", "cut", "append"]);
    const { change, cut, append } = one.damage;
    if (change !== undefined) {
      text = text.slice(0, change) + (text[change] === "B" ? "C" : "B") + text.slice(change + 1);
    }
    if (cut !== undefined) text = text.slice(0, cut);
    if (append !== undefined) text += append;
  }
  expect(decodeToken(text)).toEqual(one.is);
});

test.each(only<Garbage>("text"))("$name", (one) => {
  strictCase(one, ["name", "text", "is"]);
  expect(decodeToken(one.text)).toBe(one.is);
});
