import { expect, test } from "vitest";
import { gelu, sigmoid, silu, softCap } from "kvern";
import { numbers } from "./numbers";

const POINTS = [0, 1, -1, ...numbers(50, 1), 40, -40, 1e4, -1e4];
/** Half the distance between neighbouring f64 of magnitude 1: the relative error of one operation. */
const ROUNDING = 2 ** -53;

test("sigmoid is 1 / (1 + e⁻ˣ)", () => {
  // Each side takes an exponential (of error below one unit, twice a rounding) and two operations more: eight roundings.
  for (const x of POINTS) {
    const expected = 1 / (1 + Math.exp(-x));
    expect(Math.abs(sigmoid(x) - expected)).toBeLessThanOrEqual(8 * ROUNDING * expected);
  }
  expect(sigmoid(0)).toBe(0.5);
  expect(sigmoid(1e4)).toBe(1);
  expect(sigmoid(-1e4)).toBe(0);
  expect(sigmoid(-Infinity)).toBe(0);
});

test("silu is x times its sigmoid", () => {
  for (const x of POINTS) expect(silu(x)).toBe(x * sigmoid(x));
  expect(silu(-1e4) + 0).toBe(0);
});

test("gelu is its formula, and no longer moves beyond 10", () => {
  for (const x of POINTS) expect(gelu(x)).toBe(0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));
  expect(gelu(1e30)).toBe(1e30);
  expect(gelu(-1e30) + 0).toBe(0);
});

test("softCap stays within its cap and leaves small scores alone", () => {
  for (const x of POINTS) expect(softCap(x, 50)).toBe(50 * Math.tanh(x / 50));
  expect(softCap(1e9, 30)).toBe(30);
  expect(softCap(-1e9, 30)).toBe(-30);
  expect(softCap(0, 30)).toBe(0);
});
