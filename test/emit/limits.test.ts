/** @file What sizes and devices limit: grids, bindings, positions, names. */

import { describe, expect, test } from "vitest";
import { derive } from "../../compiler/algebra/passes";
import { lower } from "../../compiler/lower";
import type { FoldPlan } from "../../compiler/plan/fold/plan";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import type { Value } from "../../spec/graph/node";
import { PROGRAMS, SMALL } from "../algebra/programs";
import { describeOnDevice } from "../device/harness";
import { agree, hasSubgroups, inputsOf } from "./agreement";
import { LIMITS } from "./limits";
import { draw, f16, f32, i32, integers, reals, tensorOf, uint, type Draft } from "./programs";

const code = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (fault) {
    if (fault instanceof KvernError) return fault.diagnostics[0]?.code;
    throw fault;
  }
  return undefined;
};

describeOnDevice("grids", () => {
  const x = tensorOf("x", f32, "n");
  const twice = draw([x], [[tensorOf("out", f32, "n"), ({ b, load }, n) => b.scale(2, load(x, n))]]);

  test("of more workgroups than fit in one dimension", async () => {
    const { compared } = await agree(twice, { x: reals([1000]) }, { limits: { maxComputeWorkgroupsPerDimension: 3 }, sizes: "open" });
    expect(compared).toBe(1000);
    await agree(twice, { x: reals([1000]) }, { limits: { maxComputeWorkgroupsPerDimension: 3 }, sizes: "fixed" });
  });

  test("of 4.2 million elements", async () => {
    const y = tensorOf("y", uint(8), "n");
    const copy = draw([y], [[tensorOf("out", f32, "n"), ({ load }, n) => load(y, n)]]);
    await agree(copy, { y: integers([65535 * 64 + 5], 0, 255) }, { sizes: "open" });
  }, 120_000);
});

describeOnDevice("grids of folds", () => {
  const shares = { channel: { lane: 4, block: 1, vector: 4 } } as const;
  const roles = { channel: { kind: "serial", step: 4 } } as const;
  const parts = { kind: "stream", lanes: 16, tile: 64, part: 64, shares, roles } as const;
  test.each<readonly [string, FoldPlan]>([
    ["a stream in parts", { ...parts, cross: "gather" }],
    ["a stream in parts, in subgroups", { ...parts, cross: "subgroup" }],
    ["a chain", { kind: "chain", lanes: 16, tile: 64, part: 64, copies: 1, shares, roles }],
  ])("of more workgroups than fit in one dimension: %s", async (_, fold) => {
    const { b, graph } = PROGRAMS.plain(SMALL);
    const [name] = derive(b, graph, []).folds.map((each) => each.name);
    if (fold.kind === "stream" && fold.cross === "subgroup" && !hasSubgroups()) return;
    const tokens = 64 * 5 + 1;
    const inputs = inputsOf(graph, tokens);
    const fused = { choices: [], folds: { [name ?? ""]: fold } };
    for (const widest of [5, 7]) {
      const { program } = await agree(graph, inputs, { limits: { maxComputeWorkgroupsPerDimension: widest }, features: { subgroups: true }, fused, portable: false });
      const counts = program.dispatches.map((dispatch) => dispatch.workgroups({ token: tokens }));
      expect(Math.max(...counts.flat())).toBeLessThanOrEqual(widest);
      expect(counts.some(([, y]) => y > 1)).toBe(true);
      // Rows of values are read four at a time.
      expect(program.dispatches.some(({ code: text }) => /array<vec4f>; \/\/ v/.test(text)), "vectors").toBe(true);
    }
  });
});

describeOnDevice("bindings", () => {
  const names = Array.from({ length: 11 }, (_, at) => `x${at}`);
  const tensors = names.map((name) => tensorOf(name, f32, "n"));
  const inputs = Object.fromEntries(names.map((name, at) => [name, reals([9], at)]));
  const loads = ({ load }: Draft, n: Value): Value[] => tensors.map((tensor) => load(tensor, n));

  test.each<readonly [string, (draft: Draft, n: Value) => Value]>([
    ["a sum", (draft, n) => draft.b.add(...loads(draft, n))],
    ["a product", (draft, n) => draft.b.multiply(...loads(draft, n))],
    ["nested functions", (draft, n) => loads(draft, n).reduce((all, one) => draft.b.larger(draft.b.apply("tanh", [all]), one))],
    ["a reduction", (draft, n) => draft.sum("n", (k) => draft.b.multiply(...loads(draft, k), ...loads(draft, n)))],
    ["a conjunction", (draft, n) => draft.b.select(draft.b.and(...loads(draft, n).map((one) => draft.b.less(draft.b.zero, one))), draft.b.one, draft.b.zero)],
    ["a guarded reduction", (draft) => draft.reduce("max", "n", (k) => draft.b.select(draft.b.or(...loads(draft, k).map((one) => draft.b.less(draft.b.constant(0.9), one))), draft.b.add(...loads(draft, k)), draft.b.constant(-Infinity)))],
  ])("%s of 11 tensors where a dispatch binds 8, or 3", async (_, body) => {
    const graph = draw(tensors, [[tensorOf("out", f32, "n"), (draft, n) => body(draft, n)]]);
    for (const most of [8, 3]) {
      const { program } = await agree(graph, inputs, { limits: { maxStorageBuffersPerShaderStage: most } });
      expect(Math.max(...program.dispatches.map(({ bindings }) => bindings.length))).toBeLessThanOrEqual(most);
      expect(program.dispatches.length).toBeGreaterThan(1);
    }
  });

  test("are refused where one expression needs more", () => {
    const axes = ["a", "b", "c"];
    const cube = tensorOf("cube", f32, ...axes);
    const at = axes.map((axis) => tensorOf(`at ${axis}`, i32, "n"));
    const graph = draw([cube, ...at], [[tensorOf("out", f32, "n"), ({ b, load, extent }, n) => load(cube, ...axes.map((axis, k) => b.clamp(load(at[k] ?? cube, n), extent(axis))))]]);
    expect(code(() => lower(graph, { limits: { ...LIMITS, maxStorageBuffersPerShaderStage: 3 } }))).toBe("KV4101");
    expect(code(() => lower(graph, { limits: { ...LIMITS, maxStorageBuffersPerShaderStage: 5 } }))).toBeUndefined();
  });
});

describe("sizes", () => {
  const x = tensorOf("x", f32, "n", "m");
  const graph = draw([x], [
    [tensorOf("out", f32, "n", "m"), ({ load }, n, m) => load(x, n, m)],
    [tensorOf("packed", uint(16), "m"), ({ b }, m) => b.remainder(m, b.constant(7))],
  ]);
  const { arrays, dispatches } = lower(graph, { limits: LIMITS });

  test("whose product is too large are refused when they are known", () => {
    expect(code(() => arrays.get("out")?.shape({ n: 2 ** 16, m: 2 ** 15 }))).toBe("KV4102");
    expect(code(() => arrays.get("out")?.shape({ n: 2 ** 15, m: 2 ** 15 }))).toBeUndefined();
    expect(code(() => arrays.get("packed")?.shape({ n: 1, m: 2 ** 27 }))).toBe("KV4102");
    expect(code(() => arrays.get("packed")?.shape({ n: 1, m: 2 ** 26 }))).toBeUndefined();
  });

  test("give workgroups, folded", () => {
    expect(dispatches[0]?.workgroups({ n: 3, m: 100 })).toEqual([5, 1, 1]);
    expect(dispatches[0]?.workgroups({ n: 0, m: 100 })).toEqual([0, 1, 1]);
    const [wide = 0, tall = 0, deep = 0] = dispatches[0]?.workgroups({ n: 2 ** 13, m: 2 ** 13 }) ?? [];
    expect(Math.max(wide, tall, deep)).toBeLessThanOrEqual(65535);
    expect(wide * tall * deep).toBeGreaterThanOrEqual(2 ** 20);
    expect(wide * tall * deep).toBeLessThan(2 ** 20 + 65536);
  });

  test("at which a position leaves 32 bits are refused", () => {
    const table = tensorOf("table", f32, "m");
    const far = draw([table, tensorOf("y", f32, "n")], [[tensorOf("out", f32, "n"), ({ b, load, extent }, n) => load(table, b.clamp(b.quotient(b.scale(100000, n), extent("m")), extent("m")))]]);
    const [dispatch] = lower(far, { limits: LIMITS }).dispatches;
    expect(code(() => dispatch?.workgroups({ n: 20000, m: 5 }))).toBeUndefined();
    expect(code(() => dispatch?.workgroups({ n: 30000, m: 5 }))).toBe("KV4102");
  });
});

describeOnDevice("nothing leaves a tensor", () => {
  test("that may be empty along another axis", async () => {
    const x = tensorOf("x", f32, "c", "t");
    const graph = draw([x], [[tensorOf("out", f32, "t"), ({ load, sum }, t) => sum("c", (c) => load(x, c, t))]]);
    await agree(graph, { x: reals([0, 5]) });
  });

  test("where a guard proves an index", async () => {
    const x = tensorOf("x", f32, "t");
    const graph = draw([x], [
      [tensorOf("next", f32, "t"), ({ b, load, extent }, t) => b.select(b.less(b.linear(1, [[1, t]]), extent("t")), load(x, b.linear(1, [[1, t]])), b.zero)],
      [tensorOf("window", f32, "t"), ({ b, load, sum }, t) => sum("t", (s) => b.select(b.and(b.less(b.linear(-1, [[1, s]]), t), b.less(b.zero, s)), load(x, b.linear(-1, [[1, s]])), b.zero))],
    ]);
    await agree(graph, { x: reals([70]) });
    await agree(graph, { x: reals([1]) });
    await agree(graph, { x: reals([0]) });
  });
});

describeOnDevice("names", () => {
  test("are the user's in comments only, and harmless there", async () => {
    const x = tensorOf("x*/ } fn", f16, "f32");
    const y = tensorOf("let", i32, "µ\u2028");
    const graph = draw([x, y], [[tensorOf("main", f32, "f32", "µ\u2028"), ({ b, load }, i, j) => b.add(load(x, i), load(y, j))]]);
    await agree(graph, { "x*/ } fn": reals([3]), let: integers([4], -5, 5) }, { portable: false });
  });

  test("of an input and an output differ", () => {
    const x = tensorOf("out", f32, "n");
    expect(code(() => lower(draw([x], [[tensorOf("out", f32, "n"), ({ load }, n) => load(x, n)]]), { limits: LIMITS }))).toBe("KV4103");
  });
});
