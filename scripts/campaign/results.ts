/** @file The results of a campaign in a file: a line for each program, so that an interruption loses none. */

import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Result } from "./campaign";

/** What a result holds for: a mode, and what was run in it. */
export interface State {
  readonly mode: string;
  readonly scripts: string;
}

/** Short for texts: another where one of them is another. */
export const digestOf = (texts: Readonly<Record<string, string>>): string => createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);

export class Results {
  readonly #file: string;
  readonly #state: State;
  readonly #known = new Map<number, Result>();

  /** Reads what the file has for this state; a line that an interruption left unfinished counts as none. */
  constructor(file: string, state: State) {
    this.#file = file;
    this.#state = state;
    mkdirSync(dirname(file), { recursive: true });
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (text !== "" && !text.endsWith("\n")) appendFileSync(file, "\n");
    for (const line of text.split("\n")) {
      const { mode, scripts, ...result } = parsed(line) ?? {};
      if (mode === state.mode && scripts === state.scripts && result.seed !== undefined) this.#known.set(result.seed, result as Result);
    }
  }

  /** Whether the program of a seed need not be tried any more: one that failed is tried again. */
  isDone(seed: number): boolean {
    const result = this.#known.get(seed);
    return result !== undefined && result.failure === undefined;
  }

  add(result: Result): void {
    this.#known.set(result.seed, result);
    appendFileSync(this.#file, `${JSON.stringify({ ...this.#state, ...result })}\n`);
  }

  of(seeds: readonly number[]): readonly Result[] {
    return seeds.flatMap((seed) => this.#known.get(seed) ?? []);
  }
}

function parsed(line: string): (Partial<Result> & Partial<State>) | undefined {
  try {
    return JSON.parse(line) as Partial<Result> & Partial<State>;
  } catch {
    return undefined;
  }
}
