/** What the documentation says of one code. */
export interface Entry {
  /** A noun phrase: what the fault is. */
  readonly title: string;
  /** The shortest input that provokes it: source text, a command line, or a call. */
  readonly example: string;
  /** The same, mended. */
  readonly mend: string;
}
