/** @file Normal forms of the factories on which the rules rest. */

import { describe, expect, test } from "vitest";
import { show } from "../../compiler/algebra/show";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Tensor, Value } from "../../spec/graph/node";

function setting(): { readonly b: GraphBuilder; readonly x: Value; readonly y: Value; readonly most: Value; readonly live: Value } {
  const b = new GraphBuilder();
  const tensor = (name: string): Tensor => ({ name, axes: ["token"], element: { kind: "f32" } });
  const t = b.index("token", b.extent("token"));
  const [x, y] = [b.load(tensor("x"), [t]), b.load(tensor("y"), [t])];
  const most = b.reduce("max", b.index("token", b.extent("token"), 1), b.load(tensor("x"), [b.index("token", b.extent("token"), 1)]));
  return { b, x, y, most, live: b.less(x, b.zero) };
}

describe("sums", () => {
  test("what may be infinite does not cancel, and its normal form is stable", () => {
    const { b, x, most } = setting();
    const [left, right] = [b.subtract(x, most), b.subtract(most, x)];
    const sum = b.add(left, right);
    expect(show(b, sum)).toBe("(max_{token} x[token]) + (max_{token} x[token])·(−1)");
    expect(b.linear(0, [[1, sum]])).toBe(sum);
    expect(b.add(sum, b.zero)).toBe(sum);
    expect(b.rebuild(sum, (part) => part)).toBe(sum);
  });

  test("what is finite cancels", () => {
    const { b, x, y } = setting();
    expect(b.add(b.subtract(x, y), b.subtract(y, x))).toBe(b.zero);
  });
});

describe("a select with a zero branch", () => {
  test("moves out of a quotient whose divisor may be 0", () => {
    const { b, x, y, live } = setting();
    expect(b.divide(b.select(live, x, b.zero), y)).toBe(b.select(live, b.divide(x, y), b.zero));
  });

  test("stays inside a product with what may be infinite", () => {
    const { b, x, most, live } = setting();
    expect(b.multiply(b.select(live, x, b.zero), most).kind).toBe("product");
  });
});
