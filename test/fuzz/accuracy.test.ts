/** @file What is fuzzed is held to what its own device promises of its arithmetic, not to WGSL's promises. */

import { expect, test } from "vitest";
import { Random } from "../../bin/fuzz/random";
import { Subject, type Outcome } from "../../bin/fuzz/subject";
import { deviceWays } from "../../bin/fuzz/device";
import { openDevice } from "../../runtime/index";
import { saveGraph } from "../../spec/graph/json";
import { GPUJS, interpretWithBound, WGSL, type Accuracy } from "../../spec/interpreter";
import { draw, f32, tensorOf } from "../emit/programs";

const [x, y] = [tensorOf("x", f32, "n", "m"), tensorOf("y", f32, "n", "m")];
const graph = draw([x, y], [[tensorOf("out", f32, "n"), ({ b, load, sum }, n = b.zero) => sum("m", (m) => b.multiply(load(x, n, m), load(y, n, m)))]]);

/** A backend that is off by half of what WGSL would be allowed, and says that it has this accuracy. */
async function tried(accuracy: Accuracy): Promise<Outcome> {
  const subject = new Subject(saveGraph(graph), {
    finite: true, accuracy,
    run: (inputs, set) => {
      const { out } = interpretWithBound(graph, inputs, { set, accuracy: WGSL });
      if (out === undefined) throw new Error("the kernel has an output");
      return Promise.resolve([{ outputs: { out: { shape: out.shape, data: out.data.map((value, at) => value + (out.bound[at] ?? 0) / 2) } } }]);
    },
  });
  return subject.try({ sizes: { n: 3, m: 40 }, seed: 1 });
}

test("the same results are within WGSL's bound, and beyond that of a mode that computes in f64", async () => {
  expect((await tried(WGSL)).kind).toBe("agrees");
  expect((await tried(GPUJS.cpu)).kind).toBe("difference");
});

test("a device of gpu.js is held to its mode", async () => {
  const device = await openDevice({ backend: "gpujs", mode: "cpu" });
  try {
    expect(device.accuracy).toBe(GPUJS.cpu);
    const prepared = await deviceWays(device, [undefined])("", saveGraph(graph));
    expect(prepared.accuracy).toBe(GPUJS.cpu);
    const { outcome } = await new Subject(saveGraph(graph), prepared).trial(new Random(1));
    expect(outcome.kind).toBe("agrees");
  } finally {
    await device.close();
  }
});
