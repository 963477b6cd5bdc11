/** What `kvern explain` says of the examples: every line in 100 columns. */

import { beforeAll, describe, expect, it } from "vitest";
import { explain, type Explanation } from "../../compiler/explain/explain";
import { explanationText } from "../../compiler/explain/text";
import { lowerAll } from "../../compiler/lower";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { compiledFile } from "../agreement/agree";
import { LIMITS } from "../plan/limits";

const SIZES = { head: 32, kvHead: 8, token: 16384, query: 16, channel: 128, half: 64, "channel/2": 64, "channel/4": 32, "channel/8": 16 };
const KERNELS = [["decode", "attend"], ["attention", "decodeExact"], ["attention", "prefillExact"], ["attention", "encode8c8b"], ["attention", "decode4c8b"], ["attention", "prefill8c8b"]] as const;

describe("the examples, explained", () => {
  const files = new Map<string, Readonly<Record<string, SerialisedGraph>>>();
  beforeAll(async () => {
    for (const file of ["decode", "attention"]) files.set(file, await compiledFile(new URL(`../../examples/${file}.ts`, import.meta.url)));
  });

  function explained(file: string, kernel: string): Explanation {
    const { graph } = loadGraph(files.get(file)?.[kernel]);
    const set = Object.fromEntries(Object.entries(SIZES).filter(([axis]) => graph.axes.some(({ name }) => name === axis)));
    const { program, kernels, specialised, record } = lowerAll(graph, { limits: LIMITS, plans: "folds", set });
    return explain({ program, axes: graph.axes, graph: specialised.graph, kernels, builder: specialised.builder, rewrites: record.fired, refused: record.refused }, {});
  }

  it.each(KERNELS)("%s.ts %s, in 100 columns", async (file, kernel) => {
    const text = explanationText(explained(file, kernel));
    for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(100);
    await expect(`${text}\n`).toMatchFileSnapshot(`examples/${file}-${kernel}.txt`);
  });

  it("says of every rewrite, made and refused, where in the file it is", () => {
    const { rewrites, refused } = explained("attention", "decode4c8b");
    expect(rewrites.map(({ rule }) => rule)).toContain("fold");
    for (const { at, rule } of [...rewrites, ...refused.filter((each) => each.rule !== "plan")]) expect(at, rule).toMatch(/^attention\.ts:\d+:\d+$/);
  });

  it("fits any width that is asked for", () => {
    for (const columns of [60, 80, 140]) {
      for (const line of explanationText(explained("decode", "attend"), {}, columns).split("\n")) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });
});
