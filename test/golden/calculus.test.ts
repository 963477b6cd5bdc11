/** @file The arithmetic of bounds over a grid of numbers: what a change of a rule moves shows here, with a digest of all results for each first number. */

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { UNARY_FUNCTIONS, type ReduceOperator } from "../../spec/graph/node";
import { WGSL } from "../../spec/interpreter";
import { GPUJS, type Accuracy } from "../../spec/interpreter/bound/accuracy";
import { divide, either, extreme, kept, linear, multiply, rescaled, settled, sourced, type Approximate } from "../../spec/interpreter/bound/approximate";
import { apply, power, toHalf } from "../../spec/interpreter/bound/functions";
import { compare, gather } from "../../spec/interpreter/bound/reduction";
import { Random } from "../../bin/fuzz/random";
import { numbers } from "../interpreter/calculus";

const digits = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value + 0) : value.toPrecision(5));

const shown = ({ value, error, size, span, undecided, atomic, form, rest }: Approximate): string =>
  `${digits(value)} ± ${digits(error)}, ${digits(size)}, ${digits(span)}, ${digits(rest)}, ${form.sources.length}${undecided ? " ?" : ""}${atomic ? ", a source" : ""}`;

const digest = (texts: readonly string[]): string => createHash("sha256").update(texts.join("\n")).digest("hex").slice(0, 8);

/** One line: the first few results, and a digest of all. */
const line = (name: string, results: readonly Approximate[]): string => `${name}: ${results.slice(0, 2).map(shown).join("; ")}; ${digest(results.map(shown))}`;

const PAIRS = (accuracy: Accuracy): Readonly<Record<string, (a: Approximate, b: Approximate) => Approximate>> => ({
  sum: (a, b) => linear(accuracy, 0, [1, 1], [a, b], false), "sum of integers": (a, b) => linear(accuracy, 0, [1, 1], [a, b], true), "linear form": (a, b) => linear(accuracy, -3, [0.1, -2], [a, b], false),
  "with a constant that is no f32": (a, b) => linear(accuracy, 0.1, [1, -1], [a, b], false), product: (a, b) => multiply(accuracy, a, b, false), "product of integers": (a, b) => multiply(accuracy, a, b, true), quotient: (a, b) => divide(accuracy, a, b),
  larger: (a, b) => extreme(1, a, b), smaller: (a, b) => extreme(-1, a, b), either, less: (a, b) => compare("less", a, b), "at most": (a, b) => compare("atMost", a, b), equal: (a, b) => compare("equal", a, b),
  pow: (a, b) => apply(accuracy, "pow", [a, b], 0), atan2: (a, b) => apply(accuracy, "atan2", [a, b], 0),
  "a product of a sum": (a, b) => multiply(accuracy, linear(accuracy, 0, [1, 1], [a, b], false), b, false), "a sum less a part": (a, b) => settled(linear(accuracy, 0, [1, -1], [linear(accuracy, 0, [1, 1], [a, b], false), a], false)), "a quotient by itself": (a, b) => divide(accuracy, multiply(accuracy, a, b, false), a),
});

test.each(Object.entries({ WGSL, webgl2: GPUJS.webgl2 }))("of two numbers, in %s", async (name, accuracy) => {
  const [lefts, rights] = [numbers(accuracy), numbers(accuracy)];
  const text = Object.entries(PAIRS(accuracy)).map(([op, of]) => [op, ...lefts.map((a, at) => `  ${line(String(at), rights.map((b) => of(a, b)))}`)].join("\n"));
  await expect(`${text.join("\n")}\n`).toMatchFileSnapshot(`calculus/pairs-${name}.txt`);
});

test.each(Object.entries({ WGSL, ...GPUJS }))("of one number, in %s", async (name, accuracy) => {
  const all = numbers(accuracy);
  const functions = UNARY_FUNCTIONS.flatMap((fn) => [0, 3].map((rescalings) => line(`${fn}, ${rescalings} rescalings`, all.map((a) => apply(accuracy, fn, [a], rescalings)))));
  const powers = [1, 2, 5, 0.5, 1.5, 2.5, 0.3].flatMap((exponent) => [false, true].map((integer) => line(`power ${exponent}${integer ? " of integers" : ""}`, all.map((a) => power(accuracy, a, exponent, integer)))));
  const others = Object.entries({ kept: (a: Approximate) => kept(accuracy, a), sourced, settled, rescaled, "f16": (a: Approximate) => toHalf(accuracy, a) }).map(([of, f]) => line(of, all.map(f)));
  await expect(`${[...functions, ...powers, ...others].join("\n")}\n`).toMatchFileSnapshot(`calculus/functions-${name}.txt`);
});

const OPS = ["sum", "max", "min", "argmax", "argmin", "any"] as const satisfies readonly ReduceOperator[];

test("of reductions", async () => {
  const random = new Random(11);
  const all = numbers();
  const truths = all.slice(0, 12).flatMap((a) => all.slice(12, 30).map((b) => compare("less", a, b)));
  const text = OPS.flatMap((op) => Array.from({ length: 200 }, (_, round) => {
    const of = gather(round % 2 === 0 ? WGSL : GPUJS.cpu, op, random.whole(1, 3), random.oneIn(2));
    for (let position = 0, count = random.whole(0, 6); position < count; position++) {
      const from = op === "any" ? truths : all;
      const element = from[random.whole(0, from.length - 1)];
      if (element === undefined) continue;
      const kind = random.whole(0, 4);
      if (kind === 0) of.perhaps(element, position); else of.take(element, position, kind > 1);
    }
    return `${op}: ${shown(of.result())}`;
  }));
  await expect(`${text.join("\n")}\n`).toMatchFileSnapshot("calculus/reductions.txt");
});
