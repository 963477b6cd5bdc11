/** @file Extremes of no positions that other values are made of, in every plan: more than any number, or less. */

import { describe, expect, it } from "vitest";
import { derive } from "../../compiler/algebra/passes";
import { emptyOf, isArg, storedFacts } from "../../compiler/plan/fold/state";
import { specialise } from "../../compiler/plan/specialise";
import { tensor } from "../../spec/tensor";
import { compiled } from "../source/compiling";
import { expectPlansHeld } from "./held";

/** An extreme over eight positions of which `n` count, where there is a fold for plans to be made of. */
const beside = (text: string): string => `const eight = axis("eight", 8);
export const k = kernel({ x: f32(token), n: i32() }, { out: f32(), weights: f32(token) }, ({ x, n }) => ({ out: () => ${text}, weights: (t) => softmax(token, (u) => x(u))(t) }));`;

const inputs = (count: number) => ({ x: tensor([3], Float32Array.of(-16, -2, 5)), n: tensor([], Int32Array.of(count)) });

describe.each([
  ["the least, below a bound", "x(clamp(Math.floor(Math.min(3, min(eight, (i) => (i < n() ? 0 : Infinity)))), token))"],
  ["the greatest, above a bound", "x(clamp(Math.floor(Math.max(1, max(eight, (i) => (i < n() ? 2 : -Infinity)))), token))"],
  ["the least beside a number", "Math.min(x(clamp(2, token)), min(eight, (i) => (i < n() ? 1 : Infinity)))"],
  ["the place of the least", "x(clamp(argmin(eight, (i) => (i < n() ? -i : Infinity)), token))"],
])("%s", (_, text) => {
  it("is what the interpreter gives", async () => {
    const k = (await compiled(beside(text)))["k"];
    if (k === undefined) throw new Error("no kernel");
    expectPlansHeld(k.graph, [inputs(0), inputs(1), inputs(8)], { token: 3 });
  });

  it("is known to be what is stored for nothing, where nothing may be taken in", async () => {
    const k = (await compiled(beside(text)))["k"];
    if (k === undefined) throw new Error("no kernel");
    const { builder, graph } = specialise(k.graph, {});
    const components = derive(builder, graph).folds.flatMap((fold) => fold.components);
    expect(components.length).toBeGreaterThan(2);
    for (const component of components) {
      const empty = emptyOf(builder, component);
      if (empty.kind !== "constant") throw new Error("what is stored for nothing is no constant");
      const { low, high, mayBeNegativeInfinity, mayBePositiveInfinity } = storedFacts(component, false);
      expect([low <= empty.value, empty.value <= high], component.name).toEqual([true, true]);
      expect([mayBeNegativeInfinity, mayBePositiveInfinity]).toEqual([empty.value === -Infinity, empty.value === Infinity]);
      if (!isArg(component)) expect(storedFacts(component, true)).toEqual(component.live.facts);
    }
  });
});
