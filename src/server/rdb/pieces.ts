/** Elements of a large value that are read or taken in between two places where the work may pause. */
export const PIECE_ELEMENTS = 1024;

/** Work on a value that may pause wherever it yields, and returns what it has made. */
export type InPieces<T> = Generator<undefined, T, undefined>;

/** Does such work without a pause. */
export function atOnce<T>(work: InPieces<T>): T {
  for (let step = work.next(); ; step = work.next()) if (step.done) return step.value;
}
