/** Calls with more arguments than this are long enough for their first line to be made anew. */
const MOST_ARGUMENTS = 64;

/** What stands before the arguments of a command, kept by its name and their number, so that it is made once. */
export class CommandHeads {
  readonly #byName = new Map<string, Buffer[]>();
  #size = 0;

  /** Heads kept: for each name that many at most as a call may have arguments here. */
  get size(): number {
    return this.#size;
  }

  /** @param name one of the command methods: names are kept for good */
  of(name: string, count: number): Buffer {
    if (count > MOST_ARGUMENTS) return make(name, count);
    let heads = this.#byName.get(name);
    if (heads === undefined) {
      heads = [];
      this.#byName.set(name, heads);
    }
    let head = heads[count];
    if (head === undefined) {
      head = make(name, count);
      heads[count] = head;
      this.#size++;
    }
    return head;
  }
}

function make(name: string, count: number): Buffer {
  return Buffer.from(`*${count + 1}\r\n$${Buffer.byteLength(name)}\r\n${name}\r\n`);
}
