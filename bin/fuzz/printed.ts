/** @file What a search prints of what it found. */

import type { Report } from "./fuzz";
import type { Repro } from "./repro";

/** The name of the files of a failure, without an end. */
export const reproName = (seed: number): string => `kvern-fuzz-${seed}`;

/** A failure, and the program to paste. */
export const failureText = (seed: number, { title, text }: Pick<Repro, "title" | "text">): string =>
  `seed ${seed}: ${title}\nwritten to ${reproName(seed)}.ts:\n\n${text}\n`;

/** What was compared, in one line; `seed` is that of the first run. */
export const countsText = ({ runs, failures, compared, largest, unbounded, refused }: Omit<Report, "failures" | "refusal"> & { readonly failures: readonly unknown[] }, seed: number): string =>
  `${runs} runs from seed ${seed}: ${failures.length} failures; ${compared} elements within their bound, at most ${(100 * largest).toFixed(1)} % of it; ` +
  `${unbounded} elements of which nothing is promised; ${refused} runs without sizes that fit`;
