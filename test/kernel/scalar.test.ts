import { expect, it } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Tensor } from "../../spec/graph/node";
import { integerType, isChecked } from "../../compiler/kernel/scalar";

it("addresses a table of unknown size in integers where a code selects its row", () => {
  const g = new GraphBuilder();
  const codes: Tensor = { name: "codes", element: { kind: "uint", bits: 8 }, axes: ["token"] };
  const code = g.load(codes, [g.index("token", g.extent("token"))]);
  const address = g.add(g.multiply(g.index("group", g.extent("group")), g.constant(2048)), g.scale(8, code), g.index("lane", g.constant(8)));
  expect(integerType(address)).toBe("i32");
  expect(isChecked(address)).toBe(true);
  expect(integerType(g.remainder(address, g.constant(2)))).toBe("i32");
});

it("lets an integer of an input that may be any number saturate instead of being checked", () => {
  const g = new GraphBuilder();
  const offset: Tensor = { name: "offset", element: { kind: "i32" }, axes: [] };
  const shifted = g.add(g.load(offset, []), g.index("token", g.extent("token")));
  expect(integerType(shifted)).toBe("wide");
});
