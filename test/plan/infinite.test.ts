/** @file Inputs that a program tests for infinities, and computes with where the test does not reach: on the simulator, which says what a device may pass over. */

import { describe, it } from "vitest";
import { tensor } from "../../spec/tensor";
import { compiled } from "../source/compiling";
import { expectPlansHeld } from "./held";

/** How many are −∞, beside what becomes of them elsewhere. */
const beside = (text: string): string => `export const k = kernel({ x: f32(token), v: f32(token) }, { none: f32(), out: f32(token) }, ({ x, v }) => {
  const weight = softmax(token, (t) => x(t));
  return { none: () => sum(token, (t) => (x(t) === -Infinity ? 1 : 0)), out: (t) => ${text} };
});`;

const [TOKENS, LOST] = [70, new Set([0, 3, 64, 65])];
const inputs = {
  x: tensor([TOKENS], Float32Array.from({ length: TOKENS }, (_, at) => (LOST.has(at) ? -Infinity : Math.fround(Math.sin(at))))),
  v: tensor([TOKENS], Float32Array.from({ length: TOKENS }, (_, at) => Math.fround(Math.cos(at)))),
};
const nothing = { ...inputs, x: tensor([TOKENS], new Float32Array(TOKENS).fill(-Infinity)) };

describe.each([
  ["an exponential", "Math.exp(x(t))"],
  ["a multiple", "2 * x(t) + v(t)"],
  ["an exponential of a difference", "Math.exp(x(t) - v(t))"],
  ["a quotient by it", "v(t) / (1 + Math.abs(x(t)))"],
  ["the larger of two", "Math.max(x(t), v(t))"],
  ["weights", "weight(t)"],
  ["a weighted sum", "sum(token, (u) => weight(u) * v(u)) + v(t)"],
])("%s of an input that may be −∞", (_, text) => {
  it("tests before it computes, in every plan, and gives what the interpreter gives", async () => {
    const k = (await compiled(beside(text)))["k"];
    if (k === undefined) throw new Error("no kernel");
    expectPlansHeld(k.graph, [inputs, nothing], { token: TOKENS });
  });
});
