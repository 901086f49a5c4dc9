import { InvalidOptionError } from "../errors/kinds.js";
import { refuseUnknown, requireObject, showType, showValue } from "../options/check.js";
import type { CookieAttributes } from "./cookie.js";

/** What `tokenCarrier()` takes. The attributes are those of the cookie and have no place beside `in: "header"`. */
export interface CarryOptions {
  /** Where the token travels; default `"cookie"`. */
  readonly in?: "cookie" | "header" | undefined;
  /** Name of the cookie or header; default `ioreplica-session`. */
  readonly name?: string | undefined;
  /** Default `/`. */
  readonly path?: string | undefined;
  /** Default none: the host that set it. */
  readonly domain?: string | undefined;
  /** Seconds the browser keeps it, 1 to 34,560,000; default 3,600, as long as a token is valid (`tokenTtlMs`). */
  readonly maxAgeSeconds?: number | undefined;
  /** Default `"lax"`; `"none"` needs `secure`. */
  readonly sameSite?: "strict" | "lax" | "none" | undefined;
  /** Sent over HTTPS only; default true. */
  readonly secure?: boolean | undefined;
  /** Out of reach for scripts of the page; default true. */
  readonly httpOnly?: boolean | undefined;
}

/** Checked, with defaults. */
export interface ResolvedCarry extends CookieAttributes {
  readonly in: "cookie" | "header";
  readonly name: string;
}

const KNOWN = ["in", "name", "path", "domain", "maxAgeSeconds", "sameSite", "secure", "httpOnly"];
const HEADER_TOO = ["in", "name"];
/** What HTTP calls a token: names of headers and of cookies. */
const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** What an attribute of a cookie may hold: no control characters, no separator of attributes. */
const PATH = /^\/[ -:<-~]{0,500}$/;
const DOMAIN = /^[A-Za-z0-9.-]{1,253}$/;
/** 400 days, the longest that browsers keep a cookie. */
const LONGEST_AGE = 34_560_000;

/** @throws InvalidOptionError */
export function carryOptions(options: unknown): ResolvedCarry {
  const given = requireObject("", options ?? {});
  refuseUnknown("", given, KNOWN);
  const place = oneOf("in", given["in"], ["cookie", "header"] as const, "cookie");
  if (place === "header")
    for (const key of Object.keys(given))
      if (!HEADER_TOO.includes(key) && given[key] !== undefined)
        throw new InvalidOptionError(key, 'belongs to a cookie; allowed beside in: "header": name');
  const { maxAgeSeconds = 3600 } = given;
  if (
    !(
      typeof maxAgeSeconds === "number" &&
      Number.isInteger(maxAgeSeconds) &&
      maxAgeSeconds >= 1 &&
      maxAgeSeconds <= LONGEST_AGE
    )
  )
    throw new InvalidOptionError(
      "maxAgeSeconds",
      `must be an integer from 1 to ${LONGEST_AGE} seconds; got ${showValue(maxAgeSeconds)}`,
    );
  const resolved = Object.freeze({
    in: place,
    name: text("name", given["name"], NAME, "a name for a cookie or header", "ioreplica-session") as string,
    path: text("path", given["path"], PATH, 'a path that begins with "/" and has no ";"', "/") as string,
    domain: text("domain", given["domain"], DOMAIN, "a host name", null),
    maxAgeSeconds,
    sameSite: oneOf("sameSite", given["sameSite"], ["strict", "lax", "none"] as const, "lax"),
    secure: flag("secure", given["secure"]),
    httpOnly: flag("httpOnly", given["httpOnly"]),
  });
  refuseWhatBrowsersDrop(resolved);
  return resolved;
}

/** A cookie that browsers throw away without a word would leave every session without its token. */
function refuseWhatBrowsersDrop({ name, path, domain, sameSite, secure }: ResolvedCarry): void {
  if (sameSite === "none" && !secure)
    throw new InvalidOptionError("secure", 'must not be false with sameSite "none": browsers drop such a cookie');
  if (/^__(?:Secure|Host)-/i.test(name) && !secure)
    throw new InvalidOptionError("secure", `must not be false with the name ${name}: browsers drop such a cookie`);
  if (/^__Host-/i.test(name) && (path !== "/" || domain !== null))
    throw new InvalidOptionError("name", `${name} takes path "/" and no domain: browsers drop such a cookie`);
}

function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[], otherwise: T): T {
  if (value === undefined) return otherwise;
  if (choices.includes(value as T)) return value as T;
  const allowed = choices.map((choice) => `"${choice}"`).join(", ");
  throw new InvalidOptionError(name, `must be one of ${allowed}; got ${showValue(value)}`);
}

function text(name: string, value: unknown, form: RegExp, what: string, otherwise: string | null): string | null {
  if (value === undefined) return otherwise;
  if (typeof value === "string" && form.test(value)) return value;
  throw new InvalidOptionError(name, `must be ${what}; got ${showValue(value)}`);
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value === "boolean") return value;
  throw new InvalidOptionError(name, `must be true or false; got ${showType(value)}`);
}
