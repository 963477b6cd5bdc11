import { describe, expect, it } from "vitest";
import { divisors } from "../../compiler/algebra/divisors";
import { derive } from "../../compiler/algebra/passes";
import { show } from "../../compiler/algebra/show";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Graph, Value } from "../../spec/graph/node";
import { interpret } from "../../spec/interpreter";

const X = { name: "x", element: { kind: "f32" }, axes: ["token", "channel"] } as const;

/** `out = F(x)` over axes of open size. */
function graphOf(make: (b: GraphBuilder, x: (t: Value, c: Value) => Value) => Value): { readonly b: GraphBuilder; readonly graph: Graph } {
  const b = new GraphBuilder();
  const output = { name: "out", element: { kind: "f32" }, axes: [] } as const;
  const value = make(b, (t, c) => b.load(X, [t, c]));
  return { b, graph: { name: "k", axes: [{ name: "token" }, { name: "channel" }], inputs: [X], outputs: [output], stores: [{ output, indices: [], value }], obligations: [], spans: new Map() } };
}

/** A softmax over tokens of means over channels, as the library writes it. */
const scaled = (b: GraphBuilder, x: (t: Value, c: Value) => Value): Value => {
  const t = b.index("token", b.extent("token"), 5), c = b.index("channel", b.extent("channel"), 6);
  const score = b.divide(b.reduce("sum", c, x(t, c)), b.apply("sqrt", [b.extent("channel")]));
  const peak = b.reduce("max", t, score);
  const shift = b.select(b.equal(peak, b.constant(-Infinity)), b.zero, peak);
  return b.reduce("sum", t, b.apply("exp", [b.subtract(score, shift)]));
};

describe("an open size as a divisor", () => {
  it("is left as it is where it may be negative", () => {
    for (const of of [(b: GraphBuilder): Value => b.subtract(b.extent("token"), b.extent("channel")), (b: GraphBuilder): Value => b.linear(-3, [[1, b.extent("token")]]), (b: GraphBuilder): Value => b.linear(0, [[2, b.extent("token")], [-1, b.extent("channel")]])]) {
      const { b, graph } = graphOf((make) => make.divide(make.one, of(make)));
      expect(divisors(b, graph)).toEqual({ graph, record: { fired: [], refused: [] } });
    }
    const { b, graph } = graphOf((make) => make.divide(make.one, make.add(make.extent("token"), make.extent("channel"))));
    expect(divisors(b, graph).record.fired.map(({ at }) => at).sort()).toEqual(["|channel|", "|token|"]);
  });

  it("is at least 1, once", () => {
    const { b, graph } = graphOf((make) => make.divide(make.one, make.extent("channel")));
    const made = divisors(b, graph);
    expect(made.graph.stores.map(({ value }) => show(b, value))).toMatchInlineSnapshot(`
      [
        "1/larger(1, |channel|)",
      ]
    `);
    expect(made.record.fired).toEqual([{ rule: "divisor", at: "|channel|" }]);
    expect(divisors(b, made.graph).graph).toBe(made.graph);
  });

  it("lets a scale by it leave a maximum, so that a fold is one pass for any size", () => {
    const { b, graph } = graphOf(scaled);
    expect(derive(b, graph).folds.map(({ axis, pass }) => `${axis} ${pass}`)).toEqual(["token 0"]);
  });

  it("leaves what is no divisor, and sizes that are known", () => {
    const { b, graph } = graphOf((make) => make.add(make.extent("channel"), make.divide(make.one, make.constant(4))));
    expect(divisors(b, graph).graph).toBe(graph);
  });

  it.each([1, 2, 5])("means the same at size %d", (channel) => {
    const { b, graph } = graphOf(scaled);
    const inputs = { x: { shape: [3, channel], data: Float32Array.from({ length: 3 * channel }, (_, at) => Math.sin(at)) } };
    expect(interpret(divisors(b, graph).graph, inputs)["out"]?.data).toEqual(interpret(graph, inputs)["out"]?.data);
  });
});
