/** The bytes are not an RDB that this server can load; says what is wrong and where. */
export class RdbError extends Error {
  override readonly name = "RdbError";

  /** @param position bytes from the start of the blob that was being read */
  constructor(
    readonly reason: string,
    readonly position?: number,
  ) {
    super(position === undefined ? reason : `${reason} (at byte ${position})`);
  }
}

/** A key without elements. Old servers wrote some by mistake: a file that has one is loaded without it. */
export class EmptyKeyError extends RdbError {}

/** Reads a packed blob; an error says in redis-server's words what it is that doesn't hold together, and then why. */
export function checked<T>(what: string, blob: Buffer, read: (blob: Buffer) => T): T {
  try {
    return read(blob);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    throw new RdbError(`${what} integrity check failed: ${error.reason}`, error.position);
  }
}
