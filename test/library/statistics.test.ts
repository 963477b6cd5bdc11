import { expect, test } from "vitest";
import { dot, layerNorm, linear, mean, rmsNorm, variance } from "kvern";
import { scalar, vector } from "./along";
import { numbers, range } from "./numbers";

const ROWS = [[2], [-3, 5], numbers(5, 1), numbers(64, 2)];
const EPSILON = 1e-5;

const total = (row: readonly number[]): number => row.reduce((sum, x) => sum + x, 0);
const meanOf = (row: readonly number[]): number => total(row) / row.length;
const varianceOf = (row: readonly number[]): number => meanOf(row.map((x) => (x - meanOf(row)) * (x - meanOf(row))));

test("mean and variance are those of the whole row", () => {
  for (const row of ROWS) {
    expect(scalar(row, mean)).toBe(meanOf(row));
    expect(scalar(row, variance)).toBe(varianceOf(row));
  }
  expect(scalar([1, 2, 3, 4], mean)).toBe(2.5);
  expect(scalar([1, 2, 3, 4], variance)).toBe(1.25);
});

test("the mean over an empty axis is JavaScript's 0/0", () => {
  expect(scalar([], mean)).toBeNaN();
});

test("rmsNorm divides by the root of the mean square", () => {
  for (const row of ROWS) {
    const scale = 1 / Math.sqrt(meanOf(row.map((x) => x * x)) + EPSILON);
    expect(vector(row, (axis, x) => rmsNorm(axis, x, EPSILON))).toEqual(row.map((x) => x * scale));
  }
  expect(vector([], (axis, x) => rmsNorm(axis, x, EPSILON))).toEqual([]);
  expect(vector([0, 0], (axis, x) => rmsNorm(axis, x, EPSILON))).toEqual([0, 0]);
});

test("layerNorm takes the mean off and divides by the deviation", () => {
  for (const row of ROWS) {
    const scale = 1 / Math.sqrt(varianceOf(row) + EPSILON);
    expect(vector(row, (axis, x) => layerNorm(axis, x, EPSILON))).toEqual(row.map((x) => (x - meanOf(row)) * scale));
  }
  expect(vector([7, 7, 7], (axis, x) => layerNorm(axis, x, EPSILON))).toEqual([0, 0, 0]);
});

test("dot sums products, linear does so for every row of a matrix", () => {
  const x = numbers(6, 3);
  const rows = range(4).map((o) => numbers(6, 10 + o));
  const products = rows.map((row) => total(row.map((weight, i) => weight * (x[i] ?? NaN))));
  expect(rows.map((row) => scalar(x, (axis, x) => dot(axis, (i) => row[i] ?? NaN, x)))).toEqual(products);
  expect(range(4).map((o) => scalar(x, (axis, x) => linear(axis, x, (o, i) => rows[o]?.[i] ?? NaN)(o)))).toEqual(products);
  expect(scalar([], (axis, x) => dot(axis, x, x))).toBe(0);
});
