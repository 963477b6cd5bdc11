import { describe, expect, test } from "vitest";
import { crossEntropy, logSumExp, softmax } from "kvern";
import { scalar, vector } from "./along";
import { numbers } from "./numbers";

const ROWS: readonly (readonly number[])[] = [[0], [3.5], numbers(2, 1), numbers(7, 2), numbers(64, 3), [800, 799, -800], [-800, -Infinity, -799]];

const peakOf = (row: readonly number[]): number => row.reduce((peak, x) => (x > peak ? x : peak), -Infinity);
const totalOf = (row: readonly number[]): number => row.reduce((total, x) => total + Math.exp(x - peakOf(row)), 0);

describe("softmax", () => {
  test("gives every position its share of the exponentials", () => {
    for (const row of ROWS) expect(vector(row, softmax)).toEqual(row.map((x) => Math.exp(x - peakOf(row)) / totalOf(row)));
  });

  test("gives equal scores equal weights, however large", () => {
    for (const score of [0, 1e30, -1e30]) expect(vector([score, score, score, score], softmax)).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test("gives a row in which nothing is live the weight 0 everywhere", () => {
    expect(vector([-Infinity, -Infinity, -Infinity], softmax)).toEqual([0, 0, 0]);
    expect(vector([-Infinity], softmax)).toEqual([0]);
  });

  test("has no weights over an empty axis", () => {
    expect(vector([], softmax)).toEqual([]);
  });

  test("reads each score three times for one weight, not once for every pair", () => {
    let reads = 0;
    scalar(numbers(100, 4), (axis, x) => softmax(axis, (i) => ((reads += 1), x(i)))(7));
    expect(reads).toBe(100 + 100 + 1);
  });
});

describe("logSumExp", () => {
  test("is the logarithm of the sum of exponentials", () => {
    for (const row of ROWS) expect(scalar(row, logSumExp)).toBe(peakOf(row) + Math.log(totalOf(row)));
    expect(scalar([0, 0, 0, 0], logSumExp)).toBe(Math.log(4));
  });

  test("is −∞ where nothing is live, and over an empty axis", () => {
    expect(scalar([-Infinity, -Infinity], logSumExp)).toBe(-Infinity);
    expect(scalar([], logSumExp)).toBe(-Infinity);
  });
});

describe("crossEntropy", () => {
  test("is minus the logarithm of the weight at the target", () => {
    for (const row of ROWS) {
      row.forEach((logit, target) => {
        expect(scalar(row, (axis, x) => crossEntropy(axis, x, target))).toBe(peakOf(row) + Math.log(totalOf(row)) - logit);
      });
    }
  });

  test("is 0 where nothing else is possible", () => {
    expect(scalar([12.5], (axis, x) => crossEntropy(axis, x, 0))).toBe(0);
  });
});
