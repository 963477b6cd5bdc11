/** Choosing a plan by measuring, on a bench whose clock the test moves: what is taken, what is kept, and what is refused. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { compileSource } from "kvern/compiler";
import { lowerStored, readPlan, type StoredPlan } from "../../compiler/plan/stored";
import type { Program } from "../../compiler/program";
import { InternalError, KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { interpret } from "../../spec/interpreter";
import { tensor, type TensorData } from "../../spec/tensor";
import type { DeviceTensor, RunInputs, Runnable } from "../../runtime/device";
import { Contest } from "../../runtime/tuning/contest";
import { measured } from "../../runtime/tuning/measure";
import { planFile, type PlanStore } from "../../runtime/tuning/store";
import { Tuned, type Bench } from "../../runtime/tuning/tuned";
import { DEFAULT_LIMITS } from "../../runtime/webgpu/gpu";
import { PRELUDE } from "../source/compiling";

const compiled = async (text: string): Promise<SerialisedGraph> => {
  const [only] = Object.values((await compileSource({ "program.ts": PRELUDE + text }, "program.ts")).kernels);
  if (only === undefined) throw new Error("no kernel");
  return only;
};

const SOFTMAX = `export const k = kernel({ s: f32(token), v: f32(token, channel) }, f32(channel), ({ s, v }) => (c) => {
  const w = softmax(token, (t) => s(t));
  return sum(token, (t) => w(t) * v(t, c));
});`;
const device = { name: "a device of tests", kind: "hardware", limits: DEFAULT_LIMITS } as const;
const inputs = (tokens: number): Record<string, TensorData> => ({
  s: tensor([tokens], Float32Array.from({ length: tokens }, (_, at) => Math.sin(at))),
  v: tensor([tokens, 2], Float32Array.from({ length: 2 * tokens }, (_, at) => Math.cos(at))),
});

/** A bench on which the interpreter computes, and a run of the n-th text that was ever compiled takes `cost(n)`. */
class TestBench implements Bench {
  now = 0;
  runs = 0;
  uploads = 0;
  readonly compiled: Program[] = [];
  constructor(readonly graph: SerialisedGraph, readonly cost: (nth: number) => number, readonly spoil: (nth: number) => number = () => 0) {}

  compile(program: Program): Promise<Runnable> {
    const nth = this.compiled.push(program) - 1;
    const run = async (given: RunInputs, { device: kept = false } = {}): Promise<Record<string, TensorData | DeviceTensor>> => {
      this.runs++;
      this.now += this.cost(nth);
      const host = await Promise.all(Object.entries(given).map(async ([name, input]) => [name, "read" in input ? await input.read() : input] as const));
      const outputs = interpret(loadGraph(this.graph).graph, Object.fromEntries(host) as Record<string, TensorData>);
      return Object.fromEntries(Object.entries(outputs).map(([name, { shape, data }]) => {
        const spoiled = { shape, data: data.map((value) => value + this.spoil(nth)) };
        return [name, kept ? this.#tensor(spoiled) : spoiled];
      }));
    };
    return Promise.resolve({ name: "k", inputs: program.inputs, outputs: program.outputs, run: run as Runnable["run"] });
  }

  upload(_: unknown, given: TensorData): Promise<DeviceTensor> {
    this.uploads++;
    return Promise.resolve(this.#tensor(given));
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  #tensor(given: TensorData): DeviceTensor {
    const unused = (): never => {
      throw new Error("a bench takes no rows");
    };
    return { shape: given.shape, element: { kind: "f32" }, heldBytes: 0, rowAlignment: 1, rows: unused, reshaped: unused, read: () => Promise.resolve(given), destroy: () => undefined };
  }
}

const tuned = (graph: SerialisedGraph, bench: TestBench, plans: PlanStore) => new Tuned(new Contest(graph, {}, device), bench, { plans, clock: () => bench.now }).prepared;
const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (fault) {
    if (fault instanceof KvernError) return fault.message;
    throw fault;
  }
  return "nothing is refused";
};

/** What tells programs apart: another enumeration may write a sum in another order. */
const shape = ({ dispatches }: Program): readonly string[] => dispatches.map(({ name, workgroupSize, workgroupBytes }) => `${name}, ${workgroupSize} lanes, ${workgroupBytes} bytes`);

describe("measuring", () => {
  it("warms up, takes turns, begins each round with another, and gives medians", async () => {
    let now = 0;
    const order: number[] = [];
    // The second is slow only once: a median does not mind.
    const way = (at: number, cost: () => number) => (): Promise<void> => {
      order.push(at);
      now += cost();
      return Promise.resolve();
    };
    let first = true;
    const times = await measured([way(0, () => 5), way(1, () => (order.length > 4 && first ? ((first = false), 100) : 3)), way(2, () => 4)], () => now);
    expect(times).toEqual([5, 3, 4]);
    expect(order.slice(0, 12)).toEqual([0, 1, 2, 0, 1, 2, 1, 2, 0, 2, 0, 1]);
  });
});

describe("a kernel whose plan is measured", () => {
  it("takes the fastest, keeps it, and does not measure again", async () => {
    const graph = await compiled(SOFTMAX);
    const bench = new TestBench(graph, (nth) => (nth === 1 ? 1 : 10 + nth));
    const plans = new Map<string, unknown>();
    const prepared = tuned(graph, bench, plans);
    const first = await prepared.run(inputs(40));
    expect(first["out"]?.shape).toEqual([2]);
    const several = bench.compiled.length;
    expect(several).toBeGreaterThan(1);
    expect(several).toBeLessThanOrEqual(5);
    expect(bench.uploads).toBe(2);
    const [[key, kept] = []] = [...plans];
    expect(key).toMatch(/^k \| [0-9a-f]{16} \| .* \| .*token=512.* \| a device of tests$/);
    expect(readPlan(JSON.parse(JSON.stringify(kept)), "the store")).toEqual(kept);
    const runs = bench.runs;
    await prepared.run(inputs(41));
    expect([bench.runs - runs, bench.compiled.length]).toEqual([1, several]);
    // Another class of sizes is measured for itself.
    await prepared.run(inputs(513));
    expect(plans.size).toBe(2);
    // A kernel prepared anew replays what is kept: the text that was the fastest.
    const again = new TestBench(graph, () => 1);
    await tuned(graph, again, new Map(Object.entries(JSON.parse(JSON.stringify(Object.fromEntries(plans))) as object))).run(inputs(40));
    expect(again.runs).toBe(1);
    expect(again.compiled.map(shape)).toEqual(bench.compiled.slice(1, 2).map(shape));
    expect(kept).toEqual(new Contest(graph, {}, device).several({ token: 40, channel: 2 })[1]?.stored);
  });

  it("takes no plan whose outputs leave the bound, however fast", async () => {
    const graph = await compiled(SOFTMAX);
    const bench = new TestBench(graph, (nth) => 1 + nth, (nth) => (nth === 0 ? 0.5 : 0));
    const plans = new Map<string, unknown>();
    await tuned(graph, bench, plans).run(inputs(20));
    expect([...plans.values()]).toEqual([new Contest(graph, {}, device).several({ token: 20, channel: 2 })[1]?.stored]);
    await expect(tuned(graph, new TestBench(graph, () => 1, () => 0.5), new Map()).run(inputs(20))).rejects.toThrow(InternalError);
  });

  it("refuses what a store has that is no plan, and chooses nothing", async () => {
    const graph = await compiled(SOFTMAX);
    const bench = new TestBench(graph, () => 1);
    const foreign = { get: () => ({ format: "other" }), set: () => undefined };
    expect(await codeOf(() => tuned(graph, bench, foreign).run(inputs(8)))).toMatch(/KV5401.*kvern-plan/);
    expect(bench.compiled).toEqual([]);
  });
});

const PLAN: StoredPlan = {
  format: "kvern-plan", version: 1, kernel: "k", graph: "0", set: {}, upTo: { token: 64 }, device: "d",
  plan: { choices: [], folds: { token: { kind: "stream", lanes: 32, tile: 64, part: 128, shares: { channel: { lane: 2, block: 1, vector: 1 } }, cross: "tree", roles: { "token step": { kind: "serial", step: 2 } } } } },
};

describe("a plan from outside", () => {
  it("is read as it was stored, and lowered", async () => {
    expect(readPlan(JSON.parse(JSON.stringify(PLAN)), "it")).toEqual(PLAN);
    const { graph } = loadGraph(await compiled(SOFTMAX));
    expect(lowerStored(graph, PLAN, { limits: DEFAULT_LIMITS }).kernels.length).toBe(2);
  });

  it("may be the direct one, whatever else would be chosen", async () => {
    const { graph } = loadGraph(await compiled(SOFTMAX));
    const stored = lowerStored(graph, { kernel: "k", plan: "direct" }, { limits: DEFAULT_LIMITS, set: { token: 1 << 20 } });
    expect(stored.fused).toBeUndefined();
    expect(stored.kernels.length).toBeGreaterThan(2);
  });

  const folds = (more: object): object => ({ ...PLAN, plan: { choices: [], folds: { token: { ...(PLAN.plan === "direct" ? {} : PLAN.plan.folds["token"]), ...more } } } });
  it.each<[string, unknown]>([
    ["nothing", undefined], ["a list", []], ["another format", { ...PLAN, format: "kvern-graph" }], ["another version", { ...PLAN, version: 2 }],
    ["no plan", { ...PLAN, plan: undefined }], ["a size below 0", { ...PLAN, upTo: { token: -1 } }], ["no choices", { ...PLAN, plan: { folds: {} } }],
    ["a choice without a site", { ...PLAN, plan: { choices: [{ rule: "group", parameters: {} }], folds: {} } }],
    ["half a lane", folds({ lanes: 0.5 })], ["lanes beyond all devices", folds({ lanes: 2 ** 20 })], ["an unknown way to join lanes", folds({ cross: "magic" })],
    ["a kind of fold that is not there", folds({ kind: "spiral" })], ["vectors of three", folds({ shares: { channel: { lane: 1, block: 1, vector: 3 } } })], ["a role without a step", folds({ roles: { x: { kind: "serial" } } })],
  ])("with %s is refused whole", async (_, json) => {
    expect(await codeOf(() => readPlan(json, "it"))).toMatch(/KV5401/);
  });

  it.each<[string, StoredPlan["plan"], RegExp]>([
    ["a site that is gone", { choices: [{ rule: "tabulate", site: "x[token]", parameters: {} }], folds: {} }, /asks for tabulate at x\[token\], which this graph does not offer/],
    ["a fold that is gone", { choices: [], folds: { row: { kind: "whole" } } }, /a fold row, which the program has not/],
    ["more than the device has", { choices: [], folds: { token: { kind: "stream", lanes: 512, tile: 512, shares: {}, cross: "tree", roles: {} } } }, /512 invocations in a workgroup, of 256/],
    ["subgroup operations that the device does not have", { choices: [], folds: { token: { kind: "stream", lanes: 32, tile: 64, shares: {}, cross: "subgroup", roles: {} } } }, /subgroup operations/],
    ["tiles that lanes do not divide", { choices: [], folds: { token: { kind: "stream", lanes: 48, tile: 64, shares: {}, cross: "tree", roles: {} } } }, /power of two/],
    ["parts that are not whole tiles", { choices: [], folds: { token: { kind: "stream", lanes: 64, tile: 64, part: 100, shares: {}, cross: "tree", roles: {} } } }, /a part of 100 positions is not whole tiles of 64/],
    ["pieces of a fold that is not cut, which would leave zeros", { choices: [], folds: { token: { kind: "pieces", pieces: {} } } }, /token is not cut into pieces/],
  ])("with %s says so", async (_, plan, why) => {
    const { graph } = loadGraph(await compiled(SOFTMAX));
    const message = await codeOf(() => lowerStored(graph, { kernel: "k", plan }, { limits: DEFAULT_LIMITS }));
    expect(message).toMatch(/KV5402/);
    expect(message).toMatch(why);
  });
});

describe("a file of plans", () => {
  const folder = mkdtempSync(join(tmpdir(), "kvern-plans-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is made by the first plan, and read back", async () => {
    const file = join(folder, "plans.json");
    const store = await planFile(file);
    expect(store.entries).toEqual([]);
    await store.set("a key", PLAN);
    expect((await planFile(file)).entries).toEqual([["a key", PLAN]]);
  });

  it.each<[string, string]>([
    ["no JSON", "plans"], ["cut off", '{ "format": "kvern-plans", "version": 1, "plans": {'], ["another program's", '{ "name": "x" }'], ["of another version", '{ "format": "kvern-plans", "version": 9, "plans": {} }'],
    ["with one plan damaged", JSON.stringify({ format: "kvern-plans", version: 1, plans: { a: PLAN, b: { ...PLAN, plan: 7 } } })],
  ])("is refused whole where it is %s, and left as it is", async (_, text) => {
    const file = join(folder, "damaged.json");
    writeFileSync(file, text);
    expect(await codeOf(() => planFile(file))).toMatch(/KV5401/);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("is refused where it is a folder", async () => {
    expect(await codeOf(() => planFile(folder))).toMatch(/KV5001/);
  });
});
