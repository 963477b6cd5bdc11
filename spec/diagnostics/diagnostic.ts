/**
 * @file What a fault looks like as data. A diagnostic says what is wrong, where, what was expected, what came and what
 * would be legal; one renderer (`render.ts`) turns it into text. Faults of kvern itself are not diagnostics: they are
 * `InternalError`s, whose message begins with `internal:`.
 */

import type { Code } from "./catalogue";

/** A stretch of a source file. Lines and columns count from 1; the end is exclusive. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** One fault of the user's input. */
export interface Diagnostic extends Partial<Place> {
  readonly code: Code;
  /** One sentence that names the thing, without place or code. */
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  /** What the user can write instead, as a sentence or a piece of code. */
  readonly mend?: string;
  /** Further places that have to do with it, innermost first. */
  readonly related?: readonly Related[];
}

/** A place that has to do with a fault, and what happens there: "called from". */
export interface Related extends Place {
  readonly note: string;
}

/** Thrown for every fault that the user can mend. */
export class KvernError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly [Diagnostic, ...Diagnostic[]], options?: ErrorOptions) {
    const short = diagnostics.map(shortened);
    super(short.map(summary).join("\n"), options);
    this.name = "KvernError";
    this.diagnostics = short;
  }
}

/** Characters of a sentence that are kept: names and lists may come from files of any size. */
const LONGEST = 4000;

function shortened(diagnostic: Diagnostic): Diagnostic {
  const { message, expected, got, mend } = diagnostic;
  const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text);
  return {
    ...diagnostic,
    message: short(message),
    ...(expected === undefined ? {} : { expected: short(expected) }),
    ...(got === undefined ? {} : { got: short(got) }),
    ...(mend === undefined ? {} : { mend: short(mend) }),
  };
}

/** A fault of kvern itself: a bug, never the user's doing. */
export class InternalError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(`internal: ${message}`, options);
    this.name = "InternalError";
  }
}

/** Throws a `KvernError` of one diagnostic. */
export function refuse(diagnostic: Diagnostic): never {
  throw new KvernError([diagnostic]);
}

/** For the end of an exhaustive dispatch. */
export function unreachable(value: never): never {
  throw new InternalError(`unexpected ${JSON.stringify(value)}`);
}

/** `file:line:column - error KVnnnn: message (expected …, got …)` and the mend: a diagnostic as the message of an error. */
export function summary(diagnostic: Diagnostic): string {
  const { file, line, column, code, message, expected, got, mend } = diagnostic;
  const place = file === undefined ? "" : line === undefined ? `${file} - ` : `${file}:${line}:${column ?? 1} - `;
  const detail = [expected === undefined ? "" : `expected ${expected}`, got === undefined ? "" : `got ${got}`].filter(Boolean).join(", ");
  return `${place}error ${code}: ${message}${detail ? ` (${detail})` : ""}${mend === undefined ? "" : `\n  ${mend}`}`;
}
