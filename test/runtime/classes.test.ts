/** A kernel whose lengths are open: planned once for each class of lengths, right at all of them. */

import { expect, test } from "vitest";
import { SOFTWARE } from "../../compiler/plan/fold/cost";
import { lowered } from "../../runtime/lowering";
import { DEFAULT_LIMITS } from "../../runtime/webgpu/gpu";
import { saveGraph } from "../../spec/graph/json";
import { interpretWithBound } from "../../spec/interpreter";
import { PROGRAMS, randomTensors, SMALL, stream } from "../algebra/programs";
import { describeOnDevice, device } from "../device/harness";

const { graph } = PROGRAMS.plain(SMALL);
const saved = saveGraph(graph);

test("a cache that grows by a token keeps its program until it is several times as long", () => {
  const kernel = lowered(saved, {}, DEFAULT_LIMITS, SOFTWARE.name);
  const programs = Array.from({ length: 4096 }, (_, at) => kernel.program({ token: at + 1 }));
  expect(new Set(programs).size).toBe(2);
  expect(programs[0]).toBe(kernel.first);
  expect(programs[511]).toBe(kernel.first);
  expect(programs[512]).not.toBe(kernel.first);
});

describeOnDevice("lengths of several classes", () => {
  test("agree with the interpreter, also where a class is met for the first time", async () => {
    const prepared = await device().prepare(saved);
    const draws = [5, 600, 511, 4100].map((token) => {
      const sizes = { token };
      const drawn = randomTensors(graph, sizes, stream(token));
      return Object.fromEntries(Object.entries(drawn).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]));
    });
    // Side by side: the first run of a class makes its pipelines while others are under way.
    const results = await Promise.all(draws.map((inputs) => prepared.run(inputs)));
    draws.forEach((inputs, at) => {
      const { out } = interpretWithBound(graph, inputs);
      out?.data.forEach((value, position) => {
        expect(Math.abs((results[at]?.["out"]?.data[position] ?? NaN) - value)).toBeLessThanOrEqual(out.bound[position] ?? 0);
      });
    });
  });
});
