import { InvalidOptionError } from "../errors/kinds.js";
import { refuseUnknown, requireObject, showValue } from "./check.js";

/** The second argument of `session()`, with its default. @throws InvalidOptionError */
export function sessionOptions(options: unknown): { readonly onInvalid: "new" | "throw" } {
  if (options === undefined) return { onInvalid: "new" };
  const given = requireObject("", options);
  refuseUnknown("", given, ["onInvalid"]);
  const { onInvalid = "new" } = given;
  if (onInvalid === "new" || onInvalid === "throw") return { onInvalid };
  throw new InvalidOptionError("onInvalid", `must be one of "new", "throw"; got ${showValue(onInvalid)}`);
}
