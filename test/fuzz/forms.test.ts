/** @file The two forms of a random program: its text through the front end, and its graph without. */

import { describe, expect, test } from "vitest";

import { compileSource } from "../../compiler";
import { compare } from "../../bin/fuzz/compare";
import { randomInputs, randomSizes, unboundSizes } from "../../bin/fuzz/inputs";
import { programGraph, programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { discharge } from "../../runtime/obligations";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph, saveGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import { interpretWithBound } from "../../spec/interpreter";
import type { Sizes } from "../../spec/tensor/check";

const admits = (graph: Graph, sizes: Sizes): boolean => {
  try {
    discharge(graph, sizes);
    return true;
  } catch (fault) {
    if (fault instanceof KvernError) return false;
    throw fault;
  }
};

describe("a random program", { timeout: 120_000 }, () => {
  // Programs that speak of the size of `a` where they claim an index to be inside, and nowhere else.
  test.each([2019, 4699, 8335])("declares an axis that only a claim mentions, seed %i", (seed) => {
    const { graph } = loadGraph(JSON.parse(JSON.stringify(saveGraph(programGraph(randomProgram(new Random(seed)))))));
    expect(graph.axes.map(({ name }) => name)).toContain("a");
  });

  test("means as a graph what the front end makes of its text, and asks for the same of its sizes", async () => {
    let compared = 0;
    for (let seed = 0; seed < 40; seed++) {
      const program = randomProgram(new Random(seed));
      const text = programText(program);
      const { kernels: { k } } = await compileSource({ "k.ts": text }, "k.ts");
      if (k === undefined) return expect.fail(`no kernel: ${text}`);
      const { graph: written } = loadGraph(k);
      const { graph: made } = loadGraph(JSON.parse(JSON.stringify(saveGraph(programGraph(program)))));
      const names = ({ axes, inputs, outputs }: Graph) => [axes.map(({ name }) => name).sort(), inputs, outputs];
      expect(names(made), text).toEqual(names(written));
      const random = new Random(seed);
      for (let trial = 0; trial < 8; trial++) {
        const sizes = randomSizes(written, random);
        if (Object.values(sizes).some((size) => size > 9)) continue;
        expect(admits(made, sizes), `${text} ${JSON.stringify(sizes)}`).toBe(admits(written, sizes));
        if (!admits(made, sizes)) continue;
        const inputs = randomInputs(written, sizes, seed, new Set());
        const set = unboundSizes(written, sizes);
        if (Object.values(sizes).includes(0)) continue;
        const wanted = interpretWithBound(written, inputs, { set });
        const comparison = compare(wanted, interpretWithBound(made, inputs, { set }));
        expect(comparison.difference, text).toBeUndefined();
        compared += comparison.compared;
        break;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });
});
