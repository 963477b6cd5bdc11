/** @file Cases that cover every pair of levels of every two factors, found greedily; the same ones in every run. */

import { uniform } from "../../runtime/codebook/random";

/** Levels by the name of their factor. */
export type Factors = Readonly<Record<string, readonly (string | number | boolean)[]>>;
export type Case<F extends Factors> = { readonly [Name in keyof F]: F[Name][number] };

/** Names a pair of levels of two factors. */
export const pairOf = (one: string, a: unknown, other: string, b: unknown): string => `${one}=${String(a)} ${other}=${String(b)}`;

export function pairsOf(made: Readonly<Record<string, unknown>>): readonly string[] {
  const names = Object.keys(made);
  return names.flatMap((one, at) => names.slice(at + 1).map((other) => pairOf(one, made[one], other, made[other])));
}

/** Cases that are tried around a pair. A pair that is in none of them that is legal counts as impossible. */
const TRIED = 200;

/** Legal cases in which every pair occurs that a legal case can have. */
export function pairwise<F extends Factors>(factors: F, legal: (made: Case<F>) => boolean, seed: number): readonly Case<F>[] {
  const random = uniform(seed);
  const names = Object.keys(factors);
  const levels = new Map<string, Factors[string]>(Object.entries(factors));
  const levelsOf = (name: string): Factors[string] => levels.get(name) ?? [];
  const open = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [at, one] of names.entries()) {
    for (const other of names.slice(at + 1)) for (const a of levelsOf(one)) for (const b of levelsOf(other)) open.set(pairOf(one, a, other, b), { [one]: a, [other]: b });
  }
  const cases: Case<F>[] = [];
  for (const [name, pair] of open) {
    if (!open.has(name)) continue;
    let best: { readonly made: Case<F>; readonly gains: number } | undefined;
    for (let tried = 0; tried < TRIED; tried++) {
      const made = Object.fromEntries(names.map((factor) => [factor, pair[factor] ?? levelsOf(factor)[Math.floor(random() * levelsOf(factor).length)]])) as Case<F>;
      if (!legal(made)) continue;
      const gains = pairsOf(made).filter((each) => open.has(each)).length;
      if (best === undefined || gains > best.gains) best = { made, gains };
    }
    open.delete(name);
    if (best === undefined) continue;
    cases.push(best.made);
    for (const each of pairsOf(best.made)) open.delete(each);
  }
  return cases;
}
