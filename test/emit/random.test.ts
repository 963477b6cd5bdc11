/** @file Random programs on the device. */

import { expect, test } from "vitest";
import { describeOnDevice } from "../device/harness";
import { agree } from "./agreement";
import { sample } from "./random";

describeOnDevice("random programs", () => {
  test.each(Array.from({ length: 12 }, (_, at) => at * 8))("agree with the interpreter, seeds from %i", async (first) => {
    let compared = 0;
    for (let seed = first; seed < first + 8; seed++) {
      const { graph, inputs } = sample(seed);
      compared += (await agree(graph, inputs, { mayPromiseNothing: true })).compared;
    }
    expect(compared).toBeGreaterThan(0);
  });
});
