/** @file What passes from one fold to another, and how outputs of few bits are stored: on the simulator, in every plan. */

import { describe, expect, it } from "vitest";
import { derive } from "../../compiler/algebra/passes";
import { sharesOf } from "../../compiler/plan/fold/candidates";
import type { GraphBuilder } from "../../spec/graph/builder";
import { tensor } from "../../spec/tensor";
import { Program, SMALL } from "../algebra/programs";
import { compiled } from "../source/compiling";
import { expectPlansHeld } from "./held";

const TOKENS = 70;
const numbers = (count: number, scale = 1): Float32Array => Float32Array.from({ length: count }, (_, at) => Math.fround(scale * Math.sin(1.7 * at + 1)));
const inputs = { x: tensor([TOKENS], numbers(TOKENS, 3)), v: tensor([TOKENS], numbers(TOKENS)), w: tensor([8], numbers(8, 2)) };

describe.each([
  // The factor by which a state is repaired reads the other fold's result.
  ["a factor of scores", "sum(token, (t) => softmax(token, (u) => x(u) * most)(t) * v(t))"],
  ["a shift of scores", "Math.log(sum(token, (t) => Math.exp(x(t) + most - max(token, (u) => x(u) + most)))) + most"],
  ["a threshold", "sum(token, (t) => (x(t) < most ? softmax(token, (u) => (x(u) < most ? x(u) : -Infinity))(t) * v(t) : 0))"],
])("a result of one fold that is %s in another", (_, text) => {
  it("is read there in every plan", async () => {
    const k = (await compiled(`export const k = kernel({ x: f32(token), v: f32(token), w: f32(channel) }, f32(), ({ x, v, w }) => () => {
      const total = sum(channel, (c) => Math.exp(w(c)));
      const most = max(channel, (c) => w(c)) + Math.log(total) / 8;
      return ${text};
    });`))["k"];
    if (k === undefined) throw new Error("no kernel");
    expectPlansHeld(k.graph, [inputs], { token: TOKENS, channel: 8 });
  });
});

describe.each(["f16", "uint(4)", "i32"])("outputs of %s", (element) => {
  it.each([1, 2, 5, 8])("of %d positions are whole words in every plan", async (rows) => {
    const k = (await compiled(`export const k = kernel({ x: f32(token), y: f32(channel, token) }, ${element}(channel), ({ x, y }) =>
      (c) => ${element === "f16" ? "sum(token, (t) => softmax(token, (u) => x(u))(t) * y(c, t))" : "argmax(token, (t) => y(c, t)) % 16"});`))["k"];
    if (k === undefined) throw new Error("no kernel");
    expectPlansHeld(k.graph, [{ x: inputs.x, y: tensor([rows, TOKENS], numbers(rows * TOKENS)) }], { token: TOKENS, channel: rows });
  });
});

describe("lanes share out the axes of a fold that lie innermost in memory", () => {
  const shares = (positions: (b: GraphBuilder, major: ReturnType<GraphBuilder["index"]>, minor: ReturnType<GraphBuilder["index"]>) => ReturnType<GraphBuilder["index"]>): Readonly<Record<string, unknown>> => {
    const p = new Program(SMALL);
    const { b } = p;
    p.axis("major", 16);
    p.axis("minor", 16);
    const x = p.tensor("x", ["token", "wide"]);
    const s = p.tensor("s", ["token"]);
    const { weight } = p.weights("token", (t) => s(t));
    p.store("out", ["major", "minor"], p.sum("token", (t) => b.multiply(weight(t), x(t, positions(b, p.at("major"), p.at("minor"))))));
    const [fold] = derive(b, p.graph).folds;
    return fold === undefined ? {} : sharesOf(b, fold, 32);
  };
  it("by the stride of a position that is made of two", () => {
    const vector = { lane: 4, block: 1, vector: 4 };
    expect(shares((b, major, minor) => b.linear(0, [[16, major], [1, minor]]))["minor"]).toEqual(vector);
    expect(shares((b, major, minor) => b.linear(0, [[1, major], [16, minor]]))["major"]).toEqual(vector);
  });
});
