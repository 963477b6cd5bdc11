/** @file The arithmetic of bounds, one operation at a time: what a device makes of numbers within their errors lies within the error of the result. */

import { describe, expect, test } from "vitest";
import { UNARY_FUNCTIONS, type ReduceOperator } from "../../spec/graph/node";
import { WGSL } from "../../spec/interpreter";
import { GPUJS } from "../../spec/interpreter/bound/accuracy";
import { divide, either, extreme, integerPower, kept, linear, multiply, rescaled, settled, sourced, within, type Approximate } from "../../spec/interpreter/bound/approximate";
import { apply, power, toHalf } from "../../spec/interpreter/bound/functions";
import { compare, gather } from "../../spec/interpreter/bound/reduction";
import { Random } from "../../bin/fuzz/random";
import { near, numbers } from "./calculus";

/** What f64, in which this is checked, may itself be off by: as much as the bounds take `Math` to be. */
const F64 = 2 ** -50;

const ACCURACIES = { WGSL, ...GPUJS };

/** Holds a result to what is exact of the numbers, and where it is rounded to its nearest f32; returns whether anything was promised. */
function held(result: Approximate, exact: number, what: string, rounds = false): boolean {
  if (Number.isNaN(result.error) || result.error < 0) expect.fail(`${what}: an error of ${result.error}`);
  if (result.error === Infinity || Number.isNaN(result.value)) return false;
  const difference = Math.abs(exact - result.value);
  const slack = F64 * (Math.abs(exact) + Math.abs(result.value));
  if (exact !== result.value && !(difference <= result.error + slack)) expect.fail(`${what}: ${exact} is ${difference} from ${result.value} ± ${result.error}`);
  const rounded = Math.fround(exact);
  if (rounds && result.error > 0 && rounded !== result.value && Number.isFinite(rounded) && Math.abs(rounded - result.value) > result.error + slack) expect.fail(`${what}: ${rounded} in f32 is out of ${result.value} ± ${result.error}`);
  return true;
}

const named = ({ value, error, atomic }: Approximate): string => `${value} ± ${error}${atomic ? ", a source" : ""}`;

describe.each(Object.entries(ACCURACIES))("%s: what lies within the errors of numbers lies within the error of", (_, accuracy) => {
  const [lefts, rights] = [numbers(accuracy), numbers(accuracy)];

  const PAIRS: Readonly<Record<string, readonly [(a: Approximate, b: Approximate) => Approximate, (a: number, b: number) => number]>> = {
    sum: [(a, b) => linear(accuracy, 0, [1, 1], [a, b], false), (a, b) => a + b],
    "linear form": [(a, b) => linear(accuracy, -3, [0.25, -2], [a, b], false), (a, b) => 0.25 * a - 2 * b - 3],
    "sum that is taken for an integer": [(a, b) => linear(accuracy, 0, [1, 1], [a, b], true), (a, b) => a + b],
    product: [(a, b) => multiply(accuracy, a, b, false), (a, b) => a * b],
    "product that is taken for an integer": [(a, b) => multiply(accuracy, a, b, true), (a, b) => a * b],
    quotient: [(a, b) => divide(accuracy, a, b), (a, b) => a / b],
    larger: [(a, b) => extreme(1, a, b), Math.max],
    smaller: [(a, b) => extreme(-1, a, b), Math.min],
  };
  test.each(Object.entries(PAIRS))("their %s", (name, [of, exact]) => {
    let promised = 0;
    for (const a of lefts) {
      for (const b of rights) {
        const result = of(a, b);
        for (const x of near(a)) for (const y of near(b)) if (!Number.isNaN(exact(x, y)) && held(result, exact(x, y), `${name} of ${named(a)} and ${named(b)}`, name !== "larger" && name !== "smaller")) promised++;
        if (a.undecided || b.undecided) expect(result.undecided || result.error === 0 || result.error === Infinity || name === "quotient", `${name} of ${named(a)} and ${named(b)}`).toBe(true);
      }
    }
    expect(promised).toBeGreaterThan(1000);
  });

  test("either of two", () => {
    for (const a of lefts) for (const b of rights) for (const x of [...near(a), ...near(b)]) held(either(a, b), x, `either of ${named(a)} and ${named(b)}`);
  });

  test("what is stored, kept, a source or settled", () => {
    for (const a of lefts) {
      for (const x of near(a)) {
        for (const result of [kept(accuracy, a), sourced(a), settled(a), rescaled(a), sourced(kept(accuracy, a)), settled(linear(accuracy, 0, [1], [kept(accuracy, a)], false))]) held(result, x, named(a));
        if (Math.abs(x) <= 65504) held(toHalf(accuracy, a), x, `f16 of ${named(a)}`);
      }
      const half = toHalf(accuracy, a);
      const nearest = Math.abs(a.value) < 65504 ? Math.round(a.value * 2 ** 10 / 2 ** Math.max(-14, Math.floor(Math.log2(Math.abs(a.value) || 1)))) * 2 ** Math.max(-14, Math.floor(Math.log2(Math.abs(a.value) || 1))) / 2 ** 10 : a.value;
      held(half, nearest, `the nearest half of ${named(a)}`);
    }
  });

  test("powers", () => {
    for (const a of lefts) {
      for (const exponent of [1, 2, 3, 0.5, 1.5, 2.5, 0.3]) {
        for (const result of [power(accuracy, a, exponent, false), ...(Number.isInteger(exponent) ? [integerPower(accuracy, a, exponent, true)] : [])]) {
          for (const x of near(a)) if (x >= 0 || Number.isInteger(exponent)) held(result, x ** exponent, `${named(a)} to the power ${exponent}`);
        }
      }
    }
  });

  test.each(UNARY_FUNCTIONS)("%s", (fn) => {
    for (const a of lefts) {
      for (const rescalings of [0, 2]) {
        const result = apply(accuracy, fn, [a], rescalings);
        for (const x of near(a)) if (!Number.isNaN(Math[fn](x))) /* What a device has is an f32 already. */ held(result, fn === "fround" ? x : Math[fn](x), `${fn} of ${named(a)}`);
        // More rescalings never promise more.
        if (rescalings > 0) expect(result.error).toBeGreaterThanOrEqual(apply(accuracy, fn, [a], 0).error);
      }
    }
  });

  test.each(["pow", "atan2"] as const)("%s", (fn) => {
    for (const a of lefts) {
      for (const b of rights) {
        const result = apply(accuracy, fn, [a, b], 0);
        for (const x of near(a)) for (const y of near(b)) if (!Number.isNaN(Math[fn](x, y))) held(result, Math[fn](x, y), `${fn} of ${named(a)} and ${named(b)}`);
      }
    }
  });
});

test("a value between two others is within their reach, and exact where they are one", () => {
  expect(within(2, 2, 2, 2, false)).toMatchObject({ error: 0, undecided: false });
  expect(within(2, 1, 5, 2, true)).toMatchObject({ error: 3, undecided: true });
  expect(within(2, -4, 3, 2, true)).toMatchObject({ error: 6 });
  expect(within(Infinity, Infinity, Infinity, 0, false)).toMatchObject({ error: 0, size: 0 });
  expect(within(Infinity, 3, Infinity, 0, false).error).toBe(Infinity);
});

describe("comparisons", () => {
  test("are decided where no numbers within the errors compare otherwise, and only there", () => {
    const holds = { less: (a: number, b: number) => a < b, atMost: (a: number, b: number) => a <= b, equal: (a: number, b: number) => a === b } as const;
    for (const kind of ["less", "atMost", "equal"] as const) {
      for (const a of numbers()) {
        for (const b of numbers()) {
          const result = compare(kind, a, b);
          expect(result.value).toBe(Number(holds[kind](a.value, b.value)));
          const ends = ({ value, error }: Approximate): readonly number[] => (Number.isFinite(error) ? [value - error, value, value + error] : [-Infinity, Infinity]);
          const outcomes = new Set(ends(a).flatMap((x) => ends(b).map((y) => holds[kind](x, y))));
          if (result.error === 0 && Number.isFinite(a.error + b.error)) expect([...outcomes], `${kind} of ${named(a)} and ${named(b)}`).toEqual([result.value === 1]);
          if (result.error > 0 && !Number.isNaN(a.value + b.value)) expect(a.error + b.error).toBeGreaterThan(0);
        }
      }
    }
  });
});

describe("reductions of numbers within their errors", () => {
  const OPS = ["sum", "max", "min", "argmax", "argmin", "any"] as const satisfies readonly ReduceOperator[];
  const reduced = (op: ReduceOperator, list: readonly (readonly [number, number])[]): number => {
    switch (op) {
      case "sum": return list.reduce((total, [x]) => Math.fround(total + x), 0);
      case "max": return list.reduce((best, [x]) => Math.max(best, x), -Infinity);
      case "min": return list.reduce((best, [x]) => Math.min(best, x), Infinity);
      case "argmax": return list.reduce<readonly [number, number]>((best, [x, at]) => (x > best[0] ? [x, at] : best), [-Infinity, 0])[1];
      case "argmin": return list.reduce<readonly [number, number]>((best, [x, at]) => (x < best[0] ? [x, at] : best), [Infinity, 0])[1];
      case "any": return Number(list.some(([x]) => x === 1));
    }
  };

  test.each(OPS)("%s, in any order, with elements that a guard may or may not let pass", (op) => {
    const random = new Random(5);
    const pool = numbers().filter(({ error, value }) => Number.isFinite(error) && (Math.abs(value) < 1e6 || Math.abs(value) === Infinity));
    const truths: readonly Approximate[] = [compare("less", pool[0] ?? expect.fail(), pool[1] ?? expect.fail()), compare("less", pool[1] ?? expect.fail(), pool[0] ?? expect.fail()), compare("less", near0, near1), compare("less", near1, near0)];
    let promised = 0;
    for (let round = 0; round < 1500; round++) {
      const of = gather(WGSL, op, random.whole(1, 3), random.oneIn(3));
      const elements = Array.from({ length: random.whole(0, 7) }, (_, position) => ({
        position, number: op === "any" ? truths[random.whole(0, 3)] ?? near0 : pool[random.whole(0, pool.length - 1)] ?? near0, kind: random.pick(["take", "take", "take", "unsure", "perhaps"]),
      })).filter(({ number: { value } }) => op !== "sum" || Number.isFinite(value));
      for (const { position, number, kind } of elements) if (kind === "perhaps") of.perhaps(number, position); else of.take(number, position, kind === "take");
      const result = of.result();
      if (result.error === Infinity) continue;
      const text = `${op} of ${elements.map(({ number, kind }) => `${named(number)} (${kind})`).join("; ")}`;
      const meant = reducedExactly(op, elements.filter(({ kind }) => kind !== "perhaps").map(({ number, position }) => [number.value, position]));
      if (result.value !== meant) expect.fail(`${text}: means ${meant}, not ${result.value}`);
      for (let draw = 0; draw < 12; draw++) {
        const seen = elements.flatMap(({ position, number, kind }): readonly (readonly [number, number])[] => {
          if (kind !== "take" && random.oneIn(2)) return [];
          const flipped = op === "any" ? (number.error > 0 && random.oneIn(2) ? 1 - number.value : number.value) : number.value + (number.error === 0 ? 0 : random.pick([-1, -0.5, 0, 0.5, 1]) * number.error);
          return [[flipped, position]];
        });
        const shuffled = op === "sum" ? seen.map((each) => ({ each, key: random.fraction() })).sort((a, b) => a.key - b.key).map(({ each }) => each) : seen;
        const got = reduced(op, shuffled);
        promised++;
        if (got !== result.value && !(Math.abs(got - result.value) <= result.error + F64 * (Math.abs(got) + Math.abs(result.value)))) expect.fail(`${text}: ${got} is out of ${result.value} ± ${result.error}`);
      }
    }
    expect(promised).toBeGreaterThan(3000);

    function reducedExactly(kind: ReduceOperator, list: readonly (readonly [number, number])[]): number {
      return kind === "sum" ? list.reduce((total, [x]) => total + x, 0) : reduced(kind, list);
    }
  });
});

const near0 = linear(WGSL, 0, [0.1], [numbers()[1] ?? expect.fail()], false);
const near1 = linear(WGSL, 0, [0.1], [numbers()[1] ?? expect.fail()], false);
