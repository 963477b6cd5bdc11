/** @file Every kernel of the library, the formats and the examples, recorded cases and random programs, in the modes that run in Node. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GpuJsDevice } from "../../runtime/gpujs/device";
import { loadGraph } from "../../spec/graph/json";
import { agree, compared, modesHere, openMode } from "./agreement";
import { ALL, kernelSubjects, PLACES, randomSubjects, recordedSubjects, type Subject } from "./subjects";

/** Refusals of programs whose integers may leave f32. */
const INEXACT = ["KV4201", "KV4202"];

const [kernels, recorded, random] = await Promise.all([kernelSubjects(), recordedSubjects(8), randomSubjects(40)]);

interface Tally {
  readonly subjects: number;
  readonly elements: number;
  readonly refused: number;
  readonly worst: number;
}

/** Holds each subject to its bound; only the integers of random programs may be refused. */
async function held(device: GpuJsDevice, subjects: readonly Subject[], mayRefuse: boolean): Promise<Tally> {
  let [elements, refused, worst] = [0, 0, 0];
  for (const { name, graph, inputs, set } of subjects) {
    const agreement = await agree(device, loadGraph(graph).graph, inputs, set);
    if (mayRefuse && !("outputs" in agreement)) {
      for (const code of agreement) expect(INEXACT, name).toContain(code);
      refused++;
      continue;
    }
    const { compared: count, outputs, worst: share } = compared(agreement);
    if (!mayRefuse && Object.values(outputs).some(({ data }) => data.length > 0)) expect(count, name).toBeGreaterThan(0);
    elements += count;
    worst = Math.max(worst, share);
  }
  if (ALL) console.info(`gpu.js ${device.mode}: ${subjects.length} subjects, ${refused} of them refused, ${elements} elements, the worst at ${worst.toFixed(3)} of its bound`);
  return { subjects: subjects.length, elements, refused, worst };
}

describe.each(await modesHere())("mode %s", (mode) => {
  let device: GpuJsDevice;
  beforeAll(async () => {
    device = await openMode(mode);
  });
  afterAll(() => device.close());

  test.each(PLACES)("agrees with the interpreter on %s", async (place) => {
    const subjects = kernels.filter(({ name }) => name.startsWith(`${place} `));
    expect(subjects.length).toBeGreaterThan(0);
    await held(device, subjects, false);
  }, 300_000);

  test.skipIf(recorded.length === 0)("agrees with the interpreter on the recorded cases of ONNX", async () => {
    await held(device, recorded, false);
  }, 300_000);

  test("agrees with the interpreter on random programs of the language", async () => {
    const { elements, refused } = await held(device, random, true);
    expect(elements).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(random.length / 4);
  }, 300_000);
});
