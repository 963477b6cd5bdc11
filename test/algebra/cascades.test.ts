/** @file What becomes one pass and what does not, with reasons; either way the naive numbers. */

import { describe, expect, test } from "vitest";
import { derive } from "../../compiler/algebra/passes";
import { showDerived } from "../../compiler/algebra/show-fold";
import { ONE_PASS, SEVERAL_PASSES } from "./cascades";
import { BOUND, differences } from "./check";
import { type Program, randomTensors, stream } from "./programs";
import type { Tensors } from "../../bin/fuzz/folding";

const CASES = [...Object.entries(ONE_PASS).map(([name, make]) => [name, make, 1] as const), ...Object.entries(SEVERAL_PASSES).map(([name, make]) => [name, make, 2] as const)];

function tensorsFor(p: Program, sizes: { readonly token: number }, random: () => number): Tensors {
  const tensors = randomTensors(p.graph, sizes, random, 1);
  const { target } = tensors;
  // A target names a position.
  return target === undefined ? tensors : { ...tensors, target: { ...target, data: target.data.map(() => Math.floor(random() * Math.max(1, sizes.token))) } };
}

describe.each(CASES)("%s", (name, make, passes) => {
  test("is derived", async () => {
    const p = make();
    const derived = derive(p.b, p.graph);
    expect(derived.folds.length).toBe(passes);
    await expect(`${showDerived(p.b, derived)}\n`).toMatchFileSnapshot(`golden/cascades/${name.replaceAll(/[^a-z]+/g, "-")}.txt`);
  });

  test.each([37, 9, 1, 0])("gives the naive numbers over %i positions", (token) => {
    const p = make();
    const random = stream(5);
    const derived = derive(p.b, p.graph);
    const tensors = tensorsFor(p, { token }, random);
    for (const [way, worst] of Object.entries(differences(p.b, p.graph, derived, tensors, { token }, random))) {
      expect(worst, way).toBeLessThanOrEqual(BOUND);
    }
  });
});
