/** @file Codebooks that a device helps to learn are those that threads learn. */

import { expect, it } from "vitest";
import { learnCodebook } from "../../runtime/codebook/coupled";
import { deviceLearner } from "../../runtime/codebook/device";
import { uniform } from "../../runtime/codebook/random";
import { openDevice } from "../../runtime/open";
import { describeOnDevice, device } from "../device/harness";

/** Clusters of vectors with a far one, of which f16 cannot hold the square, and repeated ones. */
function vectors(count: number, channels: number): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const random = uniform(11);
  const data = Float32Array.from({ length: count * channels }, (_, at) => (Math.floor(at / channels) % 7) + random() * (at % channels));
  data.fill(9000, 0, channels);
  data.copyWithin(3 * channels, channels, 2 * channels);
  return { shape: [count, 1, channels], data };
}

describeOnDevice("codebooks learned with a device", () => {
  it.each([[8, 4], [2, 6], [3, 1], [1, 8]])("are the same bits: %i channels, %i bits", async (couple, bits) => {
    const given = vectors(600, 2 * couple);
    const weights = Float32Array.from({ length: 600 * 2 }, (_, at) => at % 5);
    for (const more of [{}, { weights }]) {
      const threads = await learnCodebook(given, { couple, bits }, more);
      const held = device().pool.count.leased;
      expect(await learnCodebook(given, { couple, bits }, { ...more, learner: deviceLearner(device()) })).toEqual(threads);
      expect(device().pool.count.leased).toBe(held);
    }
  });

  it("are the same on gpu.js", async () => {
    const gpujs = await openDevice({ backend: "gpujs", mode: "cpu" });
    const given = vectors(100, 4);
    expect(await learnCodebook(given, { couple: 4, bits: 3 }, { learner: deviceLearner(gpujs) })).toEqual(await learnCodebook(given, { couple: 4, bits: 3 }));
    await gpujs.close();
  });
});
