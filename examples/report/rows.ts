/** @file Which rows the report has, as data: the order is that in which they are computed. */

import { nameOf, type Format } from "./formats";

/** Tokens of the window in rows that have one. */
export const WINDOW = 32;

export interface Row {
  readonly format: Format;
  /** How many of the newest tokens are at full precision. */
  readonly window: number;
  /** Whether keys are coded before or after their rotation. */
  readonly keys: "before" | "after";
  /** How vectors count in k-means; of formats without codebooks, "none". */
  readonly weights: "uniform" | "fisher" | "none";
  /** Of k-means; 0 where there is none. */
  readonly seed: number;
}

export const EXACT: Format = { kind: "exact" };

const UNIFORM: readonly Format[] = [4, 2, 1].flatMap((bits): readonly Format[] => [{ kind: "perChannel", bits }, { kind: "perToken", bits }]);

/** One channel each: KVQuant's grids, without its outliers. */
const GRIDS: readonly Format[] = [4, 2, 1].map((bits) => ({ kind: "coupled", couple: 1, bits }));

const COUPLED: readonly Format[] = [[2, 8], [4, 8], [8, 10], [8, 8]].map(([couple = 0, bits = 0]) => ({ kind: "coupled", couple, bits }));

const LEARNED = [...COUPLED, ...GRIDS];
const WEIGHTS = ["uniform", "fisher"] as const;

export const SEEDS = [1, 2, 3] as const;

const exact: Row = { format: EXACT, window: 0, keys: "before", weights: "none", seed: 0 };

const spaced = (window: number, keys: Row["keys"]): readonly Row[] => UNIFORM.map((format) => ({ format, window, keys, weights: "none", seed: 0 }));

const learned = (formats: readonly Format[], window: number, keys: Row["keys"], seeds: readonly number[]): readonly Row[] =>
  seeds.flatMap((seed) => WEIGHTS.flatMap((weights) => formats.map((format) => ({ format, window, keys, weights, seed }))));

/** The format that asks most of its codebooks. */
const ONE_BIT: readonly Format[] = [{ kind: "coupled", couple: 8, bits: 8 }];

/** The most telling first; some are named twice. */
const PLANNED: readonly Row[] = [
  exact,
  ...spaced(0, "before"),
  ...learned(LEARNED, 0, "before", [1]),
  ...learned(ONE_BIT, 0, "before", SEEDS),
  ...learned(ONE_BIT, WINDOW, "before", [1]),
  ...learned(ONE_BIT, 0, "after", [1]),
  ...spaced(WINDOW, "before"),
  ...spaced(0, "after"),
  ...learned(LEARNED, WINDOW, "before", [1]),
  ...learned(LEARNED, 0, "after", [1]),
  ...learned(LEARNED, 0, "before", SEEDS),
  ...learned(ONE_BIT, WINDOW, "before", SEEDS),
  ...learned(ONE_BIT, 0, "after", SEEDS),
  ...spaced(WINDOW, "after"),
  ...learned(LEARNED, WINDOW, "after", [1]),
];

export const ROWS: readonly Row[] = [...new Map(PLANNED.map((row) => [keyOf(row), row])).values()];

/** A name for files, and for people who follow the progress. */
export function keyOf({ format, window, keys, weights, seed }: Row): string {
  const name = format.kind === "coupled" ? `${format.couple}c${format.bits}b` : nameOf(format).replaceAll(" ", "-").toLowerCase();
  return [name, `keys-${keys}`, `window-${window}`, ...(seed === 0 ? [] : [weights, `seed-${seed}`])].join(".");
}

/** What a row is compared under: rows that differ in their seed alone share it. */
export const withoutSeed = (row: Row): string => keyOf({ ...row, seed: row.seed === 0 ? 0 : 1 });

