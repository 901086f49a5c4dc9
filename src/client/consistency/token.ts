/** What a session carries from one process to another. */
export interface SessionToken {
  /** 40 lower-case hexadecimal digits. */
  readonly replid: string;
  readonly offset: number;
  /** Wall-clock milliseconds; tokens expire. */
  readonly issuedAt: number;
}

/** Version, replication id, offset, time, checksum: all big-endian. */
const VERSION = 1;
const REPLID_AT = 1;
const OFFSET_AT = 21;
const TIME_AT = 29;
const CHECK_AT = 37;
const LENGTH = 41;
const LONGEST = 256;

/** As a string of 55 base64url characters. Not a secret and not signed: the checksum tells damage, not forgery. */
export function encodeToken(token: SessionToken): string {
  const bytes = Buffer.alloc(LENGTH);
  bytes[0] = VERSION;
  if (bytes.write(token.replid, REPLID_AT, "hex") !== 20 || token.replid.length !== 40) {
    throw new RangeError("replid must be 40 hexadecimal digits");
  }
  bytes.writeBigUInt64BE(BigInt(token.offset), OFFSET_AT);
  bytes.writeBigUInt64BE(BigInt(token.issuedAt), TIME_AT);
  bytes.writeUInt32BE(checksum(bytes.subarray(0, CHECK_AT)), CHECK_AT);
  return bytes.toString("base64url");
}

/** The token in `text`, which may be anything a client sent; null unless it is exactly what {@link encodeToken} made. */
export function decodeToken(text: unknown): SessionToken | null {
  if (typeof text !== "string" || text.length > LONGEST) return null;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== LENGTH || bytes[0] !== VERSION || bytes.toString("base64url") !== text) return null;
  if (bytes.readUInt32BE(CHECK_AT) !== checksum(bytes.subarray(0, CHECK_AT))) return null;
  const offset = Number(bytes.readBigUInt64BE(OFFSET_AT));
  const issuedAt = Number(bytes.readBigUInt64BE(TIME_AT));
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(issuedAt)) return null;
  return { replid: bytes.toString("hex", REPLID_AT, OFFSET_AT), offset, issuedAt };
}

/** FNV-1a, 32 bits. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
