/** @file Every kernel of the library, the cache formats and the examples on gpu.js, held to the interpreter's bound. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GpuJsDevice } from "../../runtime/gpujs/device";
import { loadGraph } from "../../spec/graph/json";
import type { Sizes } from "../../spec/tensor";
import { compiledFile } from "../agreement/agree";
import { inputsFor, type Contents } from "../agreement/inputs";
import { agree, compared, modesHere, openMode } from "./agreement";

/** Cosines and sines, lengths from before the first token to beyond the last, biases that mask, scales that are sometimes 0. */
const contents: Contents = {
  cos: (at) => Math.fround(Math.cos(at)),
  sin: (at) => Math.fround(Math.sin(at)),
  length: (at) => [-1, 0, 1, 3, 1000][at % 5] ?? 0,
  bias: (at, random) => (at % 7 < 2 || random() < 0.4 ? -Infinity : Math.fround(random())),
  scale: (at) => (at % 5 === 0 ? 0 : 0.125 * (1 + (at % 3))),
};

/** The sizes of axes by name, for a length of the cache. */
const sizesAt = (token: number, channel: number): Sizes => ({
  token, channel, row: 3, half: channel / 2, out: 3, query: Math.min(3, token), head: 4, kvHead: 2,
  "channel/2": channel / 2, "channel/4": channel / 4, "channel/8": channel / 8, "token/4": Math.ceil(token / 4),
});

const files = [
  { name: "the library", place: "../agreement/library.ts", lengths: [0, 1, 37] },
  { name: "the formats", place: "../agreement/formats.ts", lengths: [0, 1, 37] },
  { name: "examples/attention.ts", place: "../../examples/attention.ts", lengths: [1, 21] },
  { name: "examples/decode.ts", place: "../../examples/decode.ts", lengths: [0, 1, 21] },
];

describe.each(await modesHere())("mode %s", (mode) => {
  let device: GpuJsDevice;
  beforeAll(async () => {
    device = await openMode(mode);
  });
  afterAll(() => device.close());

  test.each(files)("agrees with the interpreter on $name", async ({ place, lengths }) => {
    const graphs = Object.values(await compiledFile(new URL(place, import.meta.url)));
    expect(graphs.length).toBeGreaterThan(0);
    for (const saved of graphs) {
      const { graph } = loadGraph(saved);
      for (const token of lengths) {
        const declared = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]])));
        const sizes = { ...sizesAt(token, 16), ...declared };
        const inputs = inputsFor(graph, sizes, 7, 1, contents);
        const bound = new Set(graph.inputs.flatMap(({ axes }) => axes));
        const set = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (bound.has(name) || extent !== undefined ? [] : [[name, sizes[name as "token"] ?? 0]])));
        const { compared: elements, outputs } = compared(await agree(device, graph, inputs, set));
        if (Object.values(outputs).some(({ data }) => data.length > 0)) expect(elements, `${graph.name} at ${token}`).toBeGreaterThan(0);
      }
    }
  }, 60_000);
});
