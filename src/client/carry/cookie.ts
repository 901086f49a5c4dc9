/** Longest `Cookie` header that is looked into, in characters; Node's own limit for all headers together is 16 KiB. */
const LONGEST_HEADER = 16_384;

/**
 * The value of the cookie `name` in a `Cookie` header, which may be anything a client sent; null if it is not there. Of
 * several the first counts: browsers send the most specific path first.
 */
export function cookieValue(header: string, name: string): string | null {
  if (header.length > LONGEST_HEADER) return null;
  for (let at = 0; at < header.length; ) {
    const end = header.indexOf(";", at);
    const stop = end < 0 ? header.length : end;
    const equals = header.indexOf("=", at);
    if (equals >= 0 && equals < stop && header.slice(at, equals).trim() === name) {
      const value = header.slice(equals + 1, stop).trim();
      return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
    at = stop + 1;
  }
  return null;
}

/** What a cookie says beside name and value, with the names that RFC 6265 gives. */
export interface CookieAttributes {
  readonly path: string;
  readonly domain: string | null;
  readonly maxAgeSeconds: number;
  readonly sameSite: "strict" | "lax" | "none";
  readonly secure: boolean;
  readonly httpOnly: boolean;
}

/** A `Set-Cookie` header's value. `value` must be free of characters that a cookie can't hold, as base64url is. */
export function setCookie(name: string, value: string, attributes: CookieAttributes): string {
  const { path, domain, maxAgeSeconds, sameSite, secure, httpOnly } = attributes;
  let text = `${name}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}`;
  if (domain !== null) text += `; Domain=${domain}`;
  text += `; SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`;
  if (secure) text += "; Secure";
  if (httpOnly) text += "; HttpOnly";
  return text;
}
