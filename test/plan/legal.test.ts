/** @file What a device allows, each limit met and passed by one; and temporaries that share a buffer where a dispatch binds too many. */

import { describe, expect, test } from "vitest";
import { Bounder } from "../../compiler/kernel/bounds";
import type { Cross, Kernel, KernelArray, Stage } from "../../compiler/kernel/kernel";
import { exchangeCost, HARDWARE } from "../../compiler/plan/fold/cost";
import { refusalOf, workgroupBytes } from "../../compiler/plan/fold/legal";
import { packed } from "../../compiler/plan/fold/pack";
import type { DeviceLimits } from "../../compiler/program";
import { GraphBuilder } from "../../spec/graph/builder";
import type { Element } from "../../spec/graph/node";

const b = new GraphBuilder();
const LIMITS: DeviceLimits = { maxComputeWorkgroupStorageSize: 4096, maxComputeInvocationsPerWorkgroup: 128, maxComputeWorkgroupsPerDimension: 65535, maxStorageBuffersPerShaderStage: 4, maxStorageBufferBindingSize: 4000 };
const measure = new Bounder(() => [1, 64]);

const F32: Element = { kind: "f32" };
const array = (name: string, space: KernelArray["space"], shape: readonly number[], more: Partial<KernelArray> = {}): KernelArray => ({ name, shape: shape.map((size) => b.constant(size)), element: F32, space, infinite: false, ...more });
const kernelOf = (arrays: readonly KernelArray[], more: Partial<Kernel> = {}): Kernel => ({ name: "k", grid: [], lanes: 64, arrays, body: [], ...more });
const lane = b.index("lane", b.constant(64));
if (lane.kind !== "index") throw new Error("no index");
const cross = (method: Cross["method"], ...registers: readonly string[]): Cross => ({ kind: "cross", registers, lanes: [lane], over: [lane], op: "sum", method, needed: "all" });
const why = (kernel: Kernel, features = {}): string | undefined => refusalOf(kernel, LIMITS, measure, features);

describe("a kernel is refused", () => {
  test("for workgroup memory, each variable of which takes a multiple of 16 bytes", () => {
    expect(why(kernelOf([array("a", "workgroup", [1023]), array("b", "workgroup", [0])]))).toBeUndefined();
    expect(why(kernelOf([array("a", "workgroup", [1020])]))).toBeUndefined();
    expect(why(kernelOf([array("a", "workgroup", [1021]), array("b", "workgroup", [1])]))).toBe("k: 4112 bytes of workgroup memory, of 4096");
    expect(why(kernelOf([array("a", "workgroup", [2048], { element: { kind: "f16" } })]), { f16: true })).toBeUndefined();
    // A part of another array takes none of its own.
    expect(why(kernelOf([array("a", "workgroup", [1024]), array("b", "workgroup", [512], { arena: { array: "a", offset: b.zero } })]))).toBeUndefined();
  });

  test("for what lanes exchange, the most of any exchange, in loops too", () => {
    const registers = [array("r", "register", [2]), array("s", "register", [3, 64], { roles: ["block", "own"] })];
    const bytes = (...body: Kernel["body"]): number => workgroupBytes(kernelOf([...registers, array("a", "workgroup", [4])], { body }), measure);
    expect(bytes()).toBe(16);
    expect(bytes(cross("tree", "r"))).toBe(16 + 64 * 2 * 4);
    expect(bytes(cross("tree", "r"), cross("gather", "r", "s"))).toBe(16 + 64 * 5 * 4);
    expect(bytes({ kind: "loop", axis: lane, low: b.zero, high: b.one, body: [cross("tree", "s")] })).toBe(16 + 64 * 3 * 4);
    // Lanes agree on the width of their subgroups by two numbers of 16 bytes, once.
    expect(bytes(cross("subgroup", "r"), cross("subgroup", "r"))).toBe(16 + 64 * 2 * 4 + 32);
  });

  test("for lanes, storage buffers, and numbers that an invocation keeps", () => {
    expect(why(kernelOf([], { lanes: 128 }))).toBeUndefined();
    expect(why(kernelOf([], { lanes: 129 }))).toBe("k: 129 invocations in a workgroup, of 128");
    const bound = ["a", "b", "c", "d", "e"].map((name, at) => array(name, at % 2 === 0 ? "input" : "buffer", [1]));
    expect(why(kernelOf(bound.slice(0, 4)))).toBeUndefined();
    expect(why(kernelOf(bound))).toBe("k: 5 storage buffers, of 4");
    expect(why(kernelOf([...bound.slice(0, 4), array("f", "buffer", [1], { arena: { array: "b", offset: b.zero } })]))).toBeUndefined();
    expect(why(kernelOf([array("p", "private", [200]), array("r", "register", [56])]))).toBeUndefined();
    expect(why(kernelOf([array("p", "private", [200]), array("r", "register", [57])]))).toBe("k: 257 numbers kept by an invocation, of 256");
    expect(why(kernelOf([array("r", "register", [257])]))).toBe("k: 257 numbers kept by an invocation, of 256");
  });

  test("for a buffer of fixed size beyond a binding; one that is only read is the caller's, one of open size is measured when it is known", () => {
    expect(why(kernelOf([array("a", "buffer", [10, 100])]))).toBeUndefined();
    expect(why(kernelOf([array("a", "buffer", [11, 91])]))).toBe("k: a takes 4004 bytes, of 4000");
    expect(why(kernelOf([array("a", "input", [11, 91])]))).toBeUndefined();
    expect(why(kernelOf([{ ...array("a", "buffer", []), shape: [b.extent("n"), b.constant(1000)] }]))).toBeUndefined();
  });

  test("for features that the device does not have", () => {
    const half = kernelOf([array("x", "input", [4], { element: { kind: "f16" }, native: true })]);
    expect([why(half), why(half, { subgroups: true }), why(half, { f16: true })]).toEqual(["k: f16, which the device does not have, or which is switched off", "k: f16, which the device does not have, or which is switched off", undefined]);
    const wide = kernelOf([array("r", "register", [1])], { body: [cross("subgroup", "r")] });
    expect([why(wide), why(wide, { f16: true }), why(wide, { subgroups: true })]).toEqual(["k: subgroup operations, which the device does not have, or which are switched off", "k: subgroup operations, which the device does not have, or which are switched off", undefined]);
  });
});

describe("temporaries share a buffer", () => {
  /** A kernel that reads and writes element 0 of arrays. */
  const moving = (name: string, reads: readonly string[], writes: readonly string[], arrays: ReadonlyMap<string, KernelArray>): Kernel => {
    const stage: Stage = {
      kind: "stage", lanes: [], digits: [], block: [], vector: undefined, roles: {}, inside: b.true, otherwise: undefined,
      items: writes.map((to) => ({ kind: "assign", array: to, indices: [b.zero], op: "=", value: b.add(...reads.map((from) => b.slot(from, [b.zero], b.load({ name: "x", axes: [], element: F32 }, []).facts)), b.one), over: [], where: b.true })),
    };
    const touched = [...reads.map((each) => ({ name: each, space: "input" as const })), ...writes.map((each) => ({ name: each, space: "buffer" as const }))];
    return { ...kernelOf(touched.flatMap((each) => {
      const declared = arrays.get(each.name);
      return declared === undefined ? [] : [{ ...declared, space: each.space }];
    })), name, body: [stage] };
  };
  const scheduled = (sizes: Readonly<Record<string, number>>, kernels: readonly (readonly [name: string, reads: readonly string[], writes: readonly string[]])[], temporaries: readonly string[]): Parameters<typeof packed>[1] => {
    const arrays = new Map(Object.entries(sizes).map(([name, size]) => [name, array(name, "buffer", [size])]));
    return { kernels: kernels.map(([name, reads, writes]) => moving(name, reads, writes, arrays)), arrays, temporaries };
  };
  const places = ({ kernels }: Parameters<typeof packed>[1]): readonly string[] => kernels.map(({ name, arrays }) => `${name}: ${arrays.map(({ name: own, space, arena }) => `${space} ${own}${arena === undefined ? "" : ` in ${arena.array} at ${arena.offset.facts.low}`}`).join(", ")}`);
  const sizes = { x: 4, a: 3, b: 5, c: 2, d: 1, y: 1 };

  test("where a dispatch writes too many, and are read from there", () => {
    const before = scheduled(sizes, [["first", ["x"], ["a", "b", "c"]], ["second", ["a", "b", "c"], ["y"]]], ["a", "b", "c"]);
    expect(packed(b, before, 4)).toBe(before);
    const after = packed(b, before, 3);
    expect(places(after)).toEqual([
      "first: input x, buffer a in first state at 0, buffer b in first state at 3, buffer c in first state at 8, buffer first state",
      "second: input a in first state at 0, input b in first state at 3, input c in first state at 8, buffer y, input first state",
    ]);
    expect(after.temporaries).toEqual(["first state"]);
    expect(after.arrays.get("first state")?.shape).toEqual([b.constant(10)]);
  });

  test("where a dispatch reads too many that one other has written", () => {
    const before = scheduled(sizes, [["first", [], ["a", "b", "c"]], ["second", ["a", "b", "c", "x"], ["y"]]], ["a", "b", "c"]);
    expect(packed(b, before, 3).temporaries).toEqual(["first state"]);
    expect(places(packed(b, before, 3))[1]).toBe("second: input a in first state at 0, input b in first state at 3, input c in first state at 8, input x, buffer y, input first state");
  });

  test("no more than it takes: what an earlier dispatch has made room for is not packed again", () => {
    const before = scheduled(sizes, [["first", ["x"], ["a", "b", "c"]], ["second", ["a", "b", "c"], ["d", "y"]], ["third", ["d", "y"], []]], ["a", "b", "c", "d", "y"]);
    expect(packed(b, before, 3).temporaries).toEqual(["d", "y", "first state"]);
  });
});

describe("what joining a register over lanes is estimated to take", () => {
  const { shared, barrier } = HARDWARE;
  const memory = 4 * barrier;
  test.each([
    ["gather", 8, memory + 8 * shared], ["gather", 128, memory + 128 * shared], ["tree", 8, memory + 6 * shared], ["tree", 128, memory + 14 * shared],
    // Within a subgroup no memory; beyond it, one number of each through memory.
    ["subgroup", 8, 3 * shared], ["subgroup", 32, 5 * shared], ["subgroup", 64, 5 * shared + memory + 2 * shared], ["subgroup", 128, 5 * shared + memory + 4 * shared],
  ] as const)("%s, %d lanes", (method, lanes, cost) => {
    expect(exchangeCost(method, lanes, HARDWARE)).toBe(cost);
  });
});
