import { describe, expect, it } from "vitest";
import { addressId, parseAddress, translate } from "../../../../src/client/topology/address.js";

describe("addresses", () => {
  it("split at the last colon, so that IPv6 survives", () => {
    expect(parseAddress("h:1")).toEqual({ host: "h", port: 1 });
    expect(parseAddress("fd00::1:6379")).toEqual({ host: "fd00::1", port: 6379 });
    expect(parseAddress("[fd00::1]:6379")).toEqual({ host: "fd00::1", port: 6379 });
    for (const bad of ["h", "h:", ":1", "h:x", "h:70000", "h:-1", "h:1.5"]) expect(parseAddress(bad), bad).toBeNull();
    expect(addressId({ host: "fd00::1", port: 2 })).toBe("fd00::1:2");
  });

  it("are translated by a table or a function, and stay when neither knows them", () => {
    const public_ = { host: "p", port: 2 };
    const inner = { host: "i", port: 1 };
    expect(translate(inner, null)).toBe(inner);
    expect(translate(inner, { "i:1": public_ })).toBe(public_);
    expect(translate({ host: "constructor", port: 1 }, {})).toEqual({ host: "constructor", port: 1 });
    expect(translate(inner, (key) => (key === "i:1" ? public_ : null))).toBe(public_);
    expect(translate(inner, () => undefined)).toBe(inner);
  });
});
