/**
 * @file Groups learned with a device: the kernel with which a cache codes its tokens (`cache/kernels.ts`) finds the centroid of
 * every vector, in f32 and against centroids in f16; plain loops in f64 confirm it or find a nearer one, which is seldom and
 * near by. The centroids are those of the other learners, bit for bit.
 *
 * Meant for GPUs, on which it has not been timed: on the software device that comes through npm the kernel, over 20,000 vectors,
 * took about ten times as long as the loops it saves.
 */

import { Kernels } from "../cache/encoders";
import type { Device, DeviceTensor } from "../device";
import { learnGroupGuessed, type GroupLearner, type GroupProblem, type LearnedGroup } from "./group";

/** Groups in flight: while loops confirm the codes of one, the device finds those of another. */
const WIDTH = 2;

/**
 * A learner that shares the device with others; it takes none of it for longer than a group.
 * @throws KvernError KV40nn for what the device cannot do
 */
export function deviceLearner(device: Device): GroupLearner {
  const kernels = new Kernels(device);
  return { width: WIDTH, learn: (problem) => learn(device, kernels, problem) };
}

async function learn(device: Device, kernels: Kernels, problem: GroupProblem): Promise<LearnedGroup> {
  const { vectors, couple, bits } = problem;
  const kernel = await kernels.prepare(`encode${bits}`, { head: 1, channel: couple, group: 1, code: 2 ** bits, lane: couple });
  const x: DeviceTensor = await device.upload({ kind: "f32" }, { shape: [vectors.length / couple, 1, couple], data: Float32Array.from(vectors) });
  try {
    return await learnGroupGuessed(problem, async (centroids) => {
      const { out } = await kernel.run({ x, book: { shape: [1, 1, 2 ** bits, couple], data: Float32Array.from(centroids, (value) => Math.min(Math.max(value, -LARGEST_HALF), LARGEST_HALF)) } });
      return out?.data ?? [];
    });
  } finally {
    x.destroy();
  }
}

/** Centroids beyond it are refused when they are to be stored, not while they move. */
const LARGEST_HALF = 65504;
