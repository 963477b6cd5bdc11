/** @file What is known of one model: the scores of its rows, and which rows they tell apart. */

import type { EntropyReport } from "../../bin/calibrate/entropy";
import type { AttentionShape } from "../llama/backend";
import { summary, type ContextScore } from "./evaluate";
import { keyOf, ROWS, withoutSeed, type Row } from "./rows";

export interface Findings {
  readonly name: string;
  readonly shape: AttentionShape;
  readonly calibrationVectors: number;
  /** Scored tokens of each context. */
  readonly heldout: readonly number[];
  /** By key of the row. */
  readonly results: ReadonlyMap<string, readonly ContextScore[]>;
  /** Of the calibration vectors. */
  readonly entropies: EntropyReport;
}

/** A figure over the seeds that were computed. */
export interface Figure {
  readonly mean: number;
  readonly least: number;
  readonly largest: number;
  readonly seeds: number;
}

/** Rows that differ in nothing but their seed, as one; nothing where none was computed. */
export function figure(findings: Findings, row: Row, part: "perplexity" | "divergence"): Figure | undefined {
  const values = scoresOf(findings, row).map((scores) => summary(scores)[part]);
  if (values.length === 0) return undefined;
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, least: Math.min(...values), largest: Math.max(...values), seeds: values.length };
}

/** Of each seed that was computed. */
function scoresOf({ results }: Findings, row: Row): readonly (readonly ContextScore[])[] {
  const key = withoutSeed(row);
  return ROWS.flatMap((other) => {
    const scores = withoutSeed(other) === key ? results.get(keyOf(other)) : undefined;
    return scores === undefined ? [] : [scores];
  });
}

/** How one row compares with another: lower, higher, or neither for sure. */
export type Verdict = "lower" | "higher" | "not told apart";

/** Standard errors that a difference must exceed. */
const ERRORS = 2;

/**
 * Which of two rows has the lower loss, or divergence. They are told apart where every seed of the one is below every seed of
 * the other and the difference of their means exceeds twice its standard error over the contexts, in which both are paired.
 */
export function verdict(findings: Findings, one: Row, other: Row, part: "nll" | "divergence"): Verdict | undefined {
  const [ones, others] = [scoresOf(findings, one), scoresOf(findings, other)];
  if (ones.length === 0 || others.length === 0) return undefined;
  const total = (scores: readonly ContextScore[]): number => scores.reduce((sum, each) => sum + each[part], 0);
  const signs = new Set(ones.flatMap((a) => others.map((b) => Math.sign(total(a) - total(b)))));
  const { mean, error } = paired(findings.heldout, averaged(ones, part), averaged(others, part));
  if (signs.size !== 1 || Math.abs(mean) <= ERRORS * error) return "not told apart";
  return mean < 0 ? "lower" : "higher";
}

/** Of each context, over seeds. */
function averaged(seeds: readonly (readonly ContextScore[])[], part: "nll" | "divergence"): readonly number[] {
  return (seeds[0] ?? []).map((_, context) => seeds.reduce((sum, scores) => sum + (scores[context]?.[part] ?? NaN), 0) / seeds.length);
}

/** The difference a token of two sums over contexts, with the standard error of that ratio. */
function paired(tokens: readonly number[], ones: readonly number[], others: readonly number[]): { readonly mean: number; readonly error: number } {
  const differences = ones.map((value, context) => value - (others[context] ?? NaN));
  const all = tokens.reduce((a, b) => a + b, 0);
  const mean = differences.reduce((a, b) => a + b, 0) / all;
  const squares = differences.reduce((sum, difference, context) => sum + (difference - mean * (tokens[context] ?? NaN)) ** 2, 0);
  return { mean, error: Math.sqrt((squares * tokens.length) / (tokens.length - 1)) / all };
}

/** As committed beside the page that is written from it: numbers to a millionth. */
export interface StoredFindings extends Omit<Findings, "results"> {
  readonly rows: Readonly<Record<string, { readonly nll: readonly number[]; readonly divergence: readonly number[] }>>;
}

export function toStored({ results, ...rest }: Findings): StoredFindings {
  const rounded = (numbers: readonly number[]): readonly number[] => numbers.map((value) => Math.round(value * 1e6) / 1e6);
  const rows = [...results].map(([key, scores]) => [key, { nll: rounded(scores.map(({ nll }) => nll)), divergence: rounded(scores.map(({ divergence }) => divergence)) }] as const);
  return { ...rest, rows: Object.fromEntries(rows) };
}

export function fromStored({ rows, ...rest }: StoredFindings): Findings {
  const results = Object.entries(rows).map(([key, { nll, divergence }]) => [key, rest.heldout.map((tokens, context) => ({ tokens, nll: nll[context] ?? NaN, divergence: divergence[context] ?? NaN }))] as const);
  return { ...rest, results: new Map(results) };
}
