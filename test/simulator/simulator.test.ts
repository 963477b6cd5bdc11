import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Index, Value } from "../../spec/graph/node";
import type { Assign, Cross, Kernel, KernelArray, Node, Stage } from "../../compiler/kernel/kernel";
import { Faults, simulate, storage, type Simulation } from "../../compiler/simulator/simulate";
import type { Memory } from "../../compiler/simulator/memory";
import { range } from "../../spec/graph/facts";

const g = new GraphBuilder();
const number = range(-1e30, 1e30);
const axis = (name: string, extent: number): Index => {
  const index = g.index(name, g.constant(extent));
  if (index.kind !== "index") throw new Error(`${name} has one position`);
  return index;
};
const slot = (name: string, ...indices: readonly Value[]): Value => g.slot(name, indices, number);
const array = (name: string, space: KernelArray["space"], shape: readonly number[], more: Partial<KernelArray> = {}): KernelArray =>
  ({ name, space, shape: shape.map((extent) => g.constant(extent)), element: { kind: "f32" }, infinite: false, ...more });
const put = (name: string, indices: readonly Value[], value: Value, more: Partial<Assign> = {}): Assign =>
  ({ kind: "assign", array: name, indices, op: "=", value, over: [], where: g.true, ...more });
const stage = (lanes: readonly Index[], items: readonly Assign[], more: Partial<Stage> = {}): Stage =>
  ({ kind: "stage", lanes, digits: [], block: [], vector: undefined, roles: {}, inside: g.true, otherwise: undefined, items, ...more });
const barrier: Node = { kind: "barrier" };

const LANES = 8;
const lane = axis("lane", LANES);
const group = axis("group", 3);

function run(kernel: Omit<Kernel, "name">, inputs: Readonly<Record<string, readonly number[]>> = {}, warp: 4 | 32 | 64 = 32): Simulation & { readonly memory: ReadonlyMap<string, Memory> } {
  const faults = new Faults();
  const memory = new Map<string, Memory>();
  for (const declared of kernel.arrays) {
    if (declared.space !== "input" && declared.space !== "buffer") continue;
    const shape = declared.shape.map((extent) => (extent.kind === "constant" ? extent.value : 0));
    memory.set(declared.name, storage(declared, shape, faults, inputs[declared.name]));
  }
  return { ...simulate({ name: "test", ...kernel }, { builder: g, sizes: {}, storage: memory, warp }, faults), memory };
}

const x = [...Array(LANES * 3).keys()];
const position = g.add(g.scale(LANES, group), lane);
const opposite = g.linear(LANES - 1, [[-1, lane]]);

/** Every workgroup reverses its eight elements through workgroup memory. */
const reversal = (between: readonly Node[]): Omit<Kernel, "name"> => ({
  grid: [group],
  lanes: LANES,
  arrays: [array("x", "input", [LANES * 3]), array("tile", "workgroup", [LANES]), array("y", "buffer", [LANES * 3])],
  body: [stage([lane], [put("tile", [lane], slot("x", position))]), ...between, stage([lane], [put("y", [position], slot("tile", opposite))])],
});

/** Halves a tile until one sum is left. */
const tree = (barriers: boolean): Omit<Kernel, "name"> => {
  const levels = [4, 2, 1].flatMap((width): Node[] => {
    const half = axis(`half${width}`, width === 1 ? 2 : width);
    return [
      ...(barriers ? [barrier] : []),
      stage([half], [put("tile", [half], g.add(slot("tile", half), slot("tile", g.linear(width, [[1, half]]))))], { inside: g.less(half, g.constant(width)) }),
    ];
  });
  return {
    grid: [group], lanes: LANES,
    arrays: [array("x", "input", [LANES * 3]), array("tile", "workgroup", [LANES]), array("y", "buffer", [3])],
    body: [stage([lane], [put("tile", [lane], slot("x", position))]), ...levels, ...(barriers ? [barrier] : []), stage([lane], [put("y", [group], slot("tile", g.zero))], { inside: g.less(lane, g.one) })],
  };
};

/** Fills the tile again in a loop: the barrier at the loop's end protects the readers of the round before. */
const rounds = (atEnd: boolean): Omit<Kernel, "name"> => {
  const round = axis("round", 3);
  return {
    grid: [], lanes: LANES,
    arrays: [array("x", "input", [LANES * 3]), array("tile", "workgroup", [LANES]), array("sum", "register", [], { roles: [] }), array("y", "buffer", [LANES])],
    body: [
      stage([lane], [put("sum", [], g.zero)]),
      {
        kind: "loop", axis: round, low: g.zero, high: g.constant(3),
        body: [
          stage([lane], [put("tile", [lane], slot("x", g.add(g.scale(LANES, round), lane)))]),
          barrier,
          stage([lane], [put("sum", [], slot("tile", opposite), { op: "+=" })]),
          ...(atEnd ? [barrier] : []),
        ],
      },
      stage([lane], [put("y", [lane], slot("sum"))]),
    ],
  };
};

const crossed = (method: Cross["method"], needed: Cross["needed"], reads: "all" | "owners"): Omit<Kernel, "name"> => ({
  grid: [group], lanes: LANES,
  arrays: [array("x", "input", [LANES * 3]), array("part", "register", [], { roles: [] }), array("y", "buffer", [LANES * 3])],
  body: [
    stage([lane], [put("part", [], slot("x", position))]),
    { kind: "cross", registers: ["part"], lanes: [lane], over: [lane], op: "sum", method, needed },
    stage([lane], [put("y", [position], slot("part"))], reads === "all" ? {} : { inside: g.less(lane, g.one) }),
  ],
});

const kinds = (simulation: Simulation): readonly string[] => [...new Set(simulation.faults.map(({ kind }) => kind))];

describe("the simulator", () => {
  it("runs workgroups through shared memory", () => {
    const { faults, memory } = run(reversal([barrier]), { x });
    expect(faults).toEqual([]);
    expect([...(memory.get("y")?.values ?? [])]).toEqual([7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 23, 22, 21, 20, 19, 18, 17, 16]);
  });

  it("sums by a tree, by rounds, and across lanes", () => {
    expect(kinds(run(tree(true), { x }))).toEqual([]);
    expect([...(run(tree(true), { x }).memory.get("y")?.values ?? [])]).toEqual([28, 92, 156]);
    expect([...(run(rounds(true), { x }).memory.get("y")?.values ?? [])]).toEqual([45, 42, 39, 36, 33, 30, 27, 24]);
    expect([...(run(crossed("tree", "all", "all"), { x }).memory.get("y")?.values ?? [])].slice(0, 9)).toEqual([28, 28, 28, 28, 28, 28, 28, 28, 92]);
  });

  it.each<[string, () => Simulation]>([
    ["between a write and its reader", () => run(reversal([]), { x })],
    ["in a tree", () => run(tree(false), { x })],
    ["at a loop's end", () => run(rounds(false), { x })],
  ])("finds the barrier that is missing %s, although lanes in order give the right numbers", (_, simulation) => {
    expect(kinds(simulation())).toContain("race");
  });

  it("finds two workgroups at one element", () => {
    const kernel: Omit<Kernel, "name"> = { grid: [group], lanes: LANES, arrays: [array("y", "buffer", [LANES])], body: [stage([lane], [put("y", [lane], g.one)])] };
    expect(kinds(run(kernel))).toEqual(["race"]);
  });

  it("lets a lane read what it has written itself", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("y", "buffer", [LANES])],
      body: [stage([lane], [put("y", [lane], lane), put("y", [lane], slot("y", lane), { op: "+=" })])],
    };
    const { faults, memory } = run(kernel);
    expect(faults).toEqual([]);
    expect([...(memory.get("y")?.values ?? [])]).toEqual([0, 2, 4, 6, 8, 10, 12, 14]);
  });

  it("finds accesses outside an array, and says which", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("x", "input", [LANES]), array("y", "buffer", [LANES])],
      body: [stage([lane], [put("y", [lane], slot("x", g.add(lane, g.one)))])],
    };
    const { faults } = run(kernel, { x: x.slice(0, LANES) });
    expect(faults).toEqual([{ kind: "outside", text: "reads x[8] of [8]" }]);
  });

  it("finds reads of what nothing has written: workgroup memory does not begin at 0", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("tile", "workgroup", [LANES]), array("y", "buffer", [LANES])],
      body: [stage([lane], [put("y", [lane], slot("tile", lane))])],
    };
    expect(kinds(run(kernel))).toEqual(["unwritten"]);
  });

  it("finds lanes that use a result which only the owners hold", () => {
    expect(kinds(run(crossed("gather", "owners", "owners"), { x }))).toEqual([]);
    expect(kinds(run(crossed("gather", "owners", "all"), { x }))).toEqual(["unwritten"]);
  });

  it.each([4, 32, 64] as const)("joins lanes in subgroups of %i, and the subgroups with each other", (warp) => {
    const { faults, barriers, memory } = run(crossed("subgroup", "all", "all"), { x }, warp);
    expect(faults).toEqual([]);
    expect([...(memory.get("y")?.values ?? [])]).toEqual([28, 92, 156].flatMap((sum) => Array<number>(LANES).fill(sum)));
    // Three workgroups of eight lanes: barriers only where a subgroup does not hold them all.
    expect(barriers).toBe(warp < LANES ? 6 : 0);
    expect(kinds(run(crossed("subgroup", "owners", "all"), { x }, warp))).toEqual(["unwritten"]);
  });

  it("finds subgroup operations over lanes that are no power of two", () => {
    const [three, two] = [axis("three", 3), axis("two", 2)];
    const kernel = crossed("subgroup", "all", "all");
    const body = kernel.body.map((node): Node => (node.kind === "cross" ? { ...node, lanes: [three, two], over: [three] } : node));
    expect(kinds(run({ ...kernel, body }, { x }))).toContain("divergent");
  });

  it("finds arithmetic on an infinity that the types call finite", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("x", "input", [LANES]), array("y", "buffer", [LANES])],
      body: [stage([lane], [put("y", [lane], g.scale(2, slot("x", lane)))])],
    };
    expect(kinds(run(kernel, { x: [...x.slice(1, LANES), -Infinity] }))).toEqual(["sentinel"]);
  });

  it("finds what memory of f16 would round: it is for what is a half anyway", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("x", "input", [LANES]), array("tile", "workgroup", [LANES], { element: { kind: "f16" } }), array("y", "buffer", [LANES])],
      body: [stage([lane], [put("tile", [lane], slot("x", lane))]), stage([lane], [put("y", [lane], slot("tile", lane))])],
    };
    expect(run(kernel, { x: [1, 0.5, 65504, -2048, 0, 2 ** -24, 3, -0.25] }).faults).toEqual([]);
    expect(run(kernel, { x: [1, Math.fround(0.1), 0, 0, 0, 0, 0, 0] }).faults).toEqual([{ kind: "rounded", text: "writes 0.10000000149011612 into tile, whose f16 makes it 0.0999755859375" }]);
    expect(kinds(run(kernel, { x: [65536, 0, 0, 0, 0, 0, 0, 0] }))).toEqual(["rounded"]);
  });

  it("rounds every operation to f32, and flushes subnormals", () => {
    const kernel: Omit<Kernel, "name"> = {
      grid: [], lanes: LANES, arrays: [array("x", "input", [LANES]), array("y", "buffer", [LANES])],
      body: [stage([lane], [put("y", [lane], g.add(slot("x", lane), g.constant(2 ** 24)))])],
    };
    const { memory } = run(kernel, { x: [1, 3, 1e-40, 0, 0, 0, 0, 0] });
    expect([...(memory.get("y")?.values ?? [])].slice(0, 3)).toEqual([2 ** 24, 2 ** 24 + 4, 2 ** 24]);
  });
});
