/** A typed array that rows are appended to; its memory doubles when it is full. */
export class Rows<Data extends Float32Array | Uint32Array> {
  #data: Data;
  #length = 0;

  constructor(private readonly make: (length: number) => Data) {
    this.#data = make(0);
  }

  append(rows: Data): void {
    const length = this.#length + rows.length;
    if (length > this.#data.length) {
      const grown = this.make(Math.max(length, 2 * this.#data.length));
      grown.set(this.used());
      this.#data = grown;
    }
    this.#data.set(rows, this.#length);
    this.#length = length;
  }

  /** The rows appended since the last reset, a view that the next append may invalidate. */
  used(): Data {
    return this.#data.subarray(0, this.#length) as Data;
  }

  reset(): void {
    this.#length = 0;
  }
}
