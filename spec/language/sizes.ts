/**
 * @file Sizes of axes while a kernel is evaluated. The language has no size in its readers: `extent(axis)` asks the
 * evaluation that is running. Evaluations nest, and leave nothing behind when they throw.
 */

import { refuse } from "../diagnostics/diagnostic";
import type { Axis } from "./axis";

/** Sizes by name of axis. */
export type Sizes = ReadonlyMap<string, number>;

let running: Sizes | undefined;

/** Runs `action` with `sizes` as what `extent` answers, and then restores what it answered before. */
export const withSizes = <T>(sizes: Sizes, action: () => T): T => {
  const outer = running;
  running = sizes;
  try {
    return action();
  } finally {
    running = outer;
  }
};

/** The size of an axis in the evaluation that is running, if it has one. */
export const sizeOf = (axis: Axis): number | undefined => {
  const bound = running?.get(axis.name);
  const own = axis.extent ?? (axis.parts === undefined ? undefined : sumOf(axis.parts));
  if (bound !== undefined && own !== undefined && bound !== own) {
    const source = axis.extent === undefined ? "of its parts together" : "declared";
    refuse({ code: "KV2103", message: `the axis \`${axis.name}\` is bound to two sizes`, expected: `${own} (${source})`, got: `${bound} (from the inputs or \`set\`)` });
  }
  return own ?? bound;
};

/** The size of axes one after another; undefined where nothing binds one of them. */
const sumOf = (parts: readonly Axis[]): number | undefined => {
  const sizes = parts.map(sizeOf);
  return sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
};

/**
 * The size of an axis, as a number.
 * @throws KvernError KV2101 if nothing binds it.
 */
export const extent = (axis: Axis): number =>
  sizeOf(axis) ??
  refuse({
    code: "KV2101",
    message: `the axis \`${axis.name}\` has no size`,
    expected: running === undefined ? "an evaluation that is running: `evaluate(kernel, inputs)`" : "a size from an input over that axis, or from `set`",
    mend: `Give it one: set: { ${JSON.stringify(axis.name)}: … }, or axis(${JSON.stringify(axis.name)}, …).`,
  });
