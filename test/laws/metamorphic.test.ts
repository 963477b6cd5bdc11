/**
 * @file Two programs that mean the same, in every plan that the simulator is given: storage turned round, an axis in another
 * order, a batch permuted, a constant inside or outside a loop, codes decoded by channel or by group, one loop or two.
 * Each element of one lies within the bounds of both of the other.
 */

import { describe, expect, test } from "vitest";

import { compileSource } from "../../compiler";
import { randomInputs } from "../../bin/fuzz/inputs";
import { Random } from "../../bin/fuzz/random";
import { simulatedWays } from "../../bin/fuzz/ways";
import { loadGraph } from "../../spec/graph/json";
import { interpretWithBound } from "../../spec/interpreter";
import { elementCount, position, type TensorData } from "../../spec/tensor";

type Tensors = Readonly<Record<string, TensorData>>;
type Place = readonly number[];

/** The tensor whose element at `p` is that of `of` at `from(p)`. */
function moved(of: TensorData, shape: readonly number[], from: (at: Place) => Place): TensorData {
  const data = Array.from({ length: elementCount(shape) }, (_, k) => of.data[from(position(k, shape)).reduce((offset, at, axis) => offset * (of.shape[axis] ?? 1) + at, 0)] ?? NaN);
  return { shape, data: of.data instanceof Uint8Array ? Uint8Array.from(data) : Float32Array.from(data) };
}
const turned = (of: TensorData): TensorData => moved(of, [...of.shape].reverse(), (at) => [...at].reverse());
const rolled = (of: TensorData): TensorData => moved(of, of.shape, ([at = 0, ...rest]) => [(at + 1) % (of.shape[0] ?? 1), ...rest]);
const same = (of: Tensors): Tensors => of;

interface Law {
  readonly name: string;
  readonly one: string;
  readonly other: string;
  /** The inputs of the other, from those of the one. */
  readonly inputs: (of: Tensors) => Tensors;
  /** An output of the one as the other should give it. */
  readonly output: (of: TensorData) => TensorData;
}

const each = (of: Tensors, change: Readonly<Record<string, (tensor: TensorData) => TensorData>>): Tensors =>
  Object.fromEntries(Object.entries(of).map(([name, tensor]) => [name, change[name]?.(tensor) ?? tensor]));

const attention = (score: string): string => `({ q, k, v }) => (p, r) => { const w = softmax(t, (i) => ${score}); return sum(t, (i) => w(i) * v(i, r)); }`;
const SCORE = "sum(c, (j) => q(p, j) * k(i, j))";
const CACHE = "coupled([t, h, c], { couple: 4, bits: 3 })";

const LAWS: readonly Law[] = [
  {
    name: "storage turned round",
    one: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    other: `export const f = kernel({ q: f32(c, h), k: f32(c, t), v: f32(c, t) }, f32(h, c), ({ q, k, v }) => (p, r) => { const w = softmax(t, (i) => sum(c, (j) => q(j, p) * k(j, i))); return sum(t, (i) => w(i) * v(r, i)); });`,
    inputs: (of) => each(of, { q: turned, k: turned, v: turned }), output: (of) => of,
  },
  {
    name: "an output with its axes in another order",
    one: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    other: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(c, h), ({ q, k, v }) => (r, p) => { const w = softmax(t, (i) => sum(c, (j) => q(p, j) * k(i, j))); return sum(t, (i) => w(i) * v(i, r)); });`,
    inputs: same, output: turned,
  },
  {
    name: "heads in another order",
    one: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    other: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    inputs: (of) => each(of, { q: rolled }), output: rolled,
  },
  {
    name: "tokens in another order",
    one: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    other: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention(SCORE)});`,
    inputs: (of) => each(of, { k: rolled, v: rolled }), output: (of) => of,
  },
  {
    name: "a constant inside a loop or outside",
    one: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention("0.25 * sum(c, (j) => q(p, j) * k(i, j))")});`,
    other: `export const f = kernel({ q: f32(h, c), k: f32(t, c), v: f32(t, c) }, f32(h, c), ${attention("sum(c, (j) => (q(p, j) / 8) * (2 * k(i, j)))")});`,
    inputs: same, output: (of) => of,
  },
  {
    name: "a dot product with decoded codes, channel by channel or group by group",
    one: `export const f = kernel({ q: f32(h, c), k: ${CACHE} }, f32(t, h), ({ q, k }) => (i, p) => sum(c, (j) => q(p, j) * k(i, p, j)));`,
    other: `const g = axis("g", 2), l = axis("l", 4);
      export const f = kernel({ q: f32(h, c), k: ${CACHE} }, f32(t, h), ({ q, k }) => (i, p) => sum(g, (a) => sum(l, (b) => q(p, 4 * a + b) * k(i, p, 4 * a + b))));`,
    inputs: same, output: (of) => of,
  },
  {
    name: "a sum over one axis, or over its digits",
    one: "export const f = kernel({ q: f32(h, c) }, f32(h), ({ q }) => (p) => logSumExp(c, (j) => q(p, j)));",
    other: `const g = axis("g", 2), l = axis("l", 4);
      export const f = kernel({ q: f32(h, c) }, f32(h), ({ q }) => (p) => logSumExp(g, (a) => logSumExp(l, (b) => q(p, 4 * a + b))));`,
    inputs: same, output: (of) => of,
  },
];

const HEAD = 'import { axis, f32, kernel, logSumExp, softmax, sum } from "kvern";\nimport { coupled } from "kvern/formats";\nconst t = axis("t"), h = axis("h"), c = axis("c", 8);\n';

describe("what means the same computes the same, within the bounds", { timeout: 120_000 }, () => {
  test.each(LAWS)("$name", async ({ one, other, inputs, output }) => {
    const prepare = await simulatedWays();
    const kernelOf = async (text: string) => {
      const { kernels: { f } } = await compileSource({ "k.ts": HEAD + text }, "k.ts");
      return f ?? expect.fail("no kernel");
    };
    const [first, second] = [await kernelOf(one), await kernelOf(other)];
    const [a, b] = [await prepare("k.ts", first), await prepare("k.ts", second)];
    const { graph } = loadGraph(first);
    const bounds = loadGraph(second).graph;
    let compared = 0;
    for (const tokens of [0, 1, 33, 65]) {
      const random = new Random(tokens);
      const sizes = { ...Object.fromEntries(graph.axes.map(({ name, extent }) => [name, extent ?? 2])), t: tokens, h: 3 };
      const given = randomInputs(graph, sizes, random.whole(0, 2 ** 30), new Set());
      const [left, right] = [await a.run(given, {}), await b.run(inputs(given), {})];
      const [own, its] = [interpretWithBound(graph, given), interpretWithBound(bounds, inputs(given))];
      const bound = output({ shape: own["out"]?.shape ?? [], data: own["out"]?.bound ?? [] });
      for (const { outputs: x } of left) for (const { outputs: y } of right) {
        const wanted = output(x["out"] ?? expect.fail("no output"));
        for (const [k, value] of Array.from(wanted.data).entries()) {
          const reach = (bound.data[k] ?? NaN) + (its["out"]?.bound[k] ?? NaN);
          const got = y["out"]?.data[k] ?? NaN;
          if (reach === Infinity) continue;
          compared++;
          // Equal infinities have no difference.
          if (got !== value) expect(Math.abs(got - value)).toBeLessThanOrEqual(reach);
        }
      }
    }
    expect(compared).toBeGreaterThan(10);
  });
});
