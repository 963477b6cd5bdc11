import { expect, it } from "vitest";
import { inferSizes } from "../../compiler/explain/infer";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Tensor, Value } from "../../spec/graph/node";

const graph = (index: Value, axis: string): Graph => ({
  name: "k", axes: [{ name: "channel" }, { name: axis }], inputs: [], outputs: [], stores: [], spans: new Map(),
  obligations: [{ claim: { kind: "inside", index, axis, of: "x", under: [] }, span: undefined }],
});

it("infers how many groups an axis is cut into", () => {
  const g = new GraphBuilder();
  const group = g.quotient(g.index("channel", g.extent("channel")), g.constant(8));
  expect(inferSizes(graph(group, "channel/8"), { channel: 128 })).toEqual({ "channel/8": 16 });
});

it("infers nothing from the range of an input's elements", () => {
  const g = new GraphBuilder();
  const ids: Tensor = { name: "ids", element: { kind: "i32" }, axes: ["channel"] };
  const row = g.clamp(g.load(ids, [g.index("channel", g.extent("channel"))]), g.extent("rows"));
  expect(inferSizes(graph(row, "rows"), { channel: 128 })).toEqual({});
});
