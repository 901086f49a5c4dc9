/** The bytes are not an RDB that this server can load; says what is wrong and where. */
export class RdbError extends Error {
  override readonly name = "RdbError";

  /** @param position bytes from the start of the blob that was being read */
  constructor(
    message: string,
    readonly position?: number,
  ) {
    super(position === undefined ? message : `${message} (at byte ${position})`);
  }
}

/** A key without elements. Old servers wrote some by mistake: a file that has one is loaded without it. */
export class EmptyKeyError extends RdbError {}
