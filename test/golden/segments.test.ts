/** @file Decoding over sinks, codes and a tail: the program above, its plan, and the WGSL of every dispatch below. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lowerAll } from "../../compiler/lower";
import { storageBuffers } from "../../compiler/plan/fold/legal";
import { loadGraph } from "../../spec/graph/json";
import { compiledFile } from "../agreement/agree";
import { LIMITS } from "../emit/limits";

const place = new URL("../../examples/segments.ts", import.meta.url);

test("a cache in three segments is attended to by partial states of each, and one merge", { timeout: 60_000 }, async () => {
  const { decode } = await compiledFile(place);
  if (decode === undefined) throw new Error("the example has other kernels");
  const { graph } = loadGraph(decode);
  const { program, kernels, fused, record } = lowerAll(graph, { set: { head: 32, kvHead: 8, channel: 128, "channel/8": 16 }, limits: LIMITS, plans: "folds" });
  expect(record.fired.filter(({ rule }) => rule === "fold").length).toBe(1);
  expect(record.fired.filter(({ rule }) => rule === "cut").map(({ at }) => at)).toEqual(["token at |sink|, |coded| + |sink|"]);
  for (const kernel of kernels) expect(storageBuffers(kernel), kernel.name).toBeLessThanOrEqual(8);
  for (const { code } of program.dispatches) expect(code.split("\n").length).toBeLessThanOrEqual(600);
  // Codes are read where codes are, numbers where numbers are.
  for (const { name, arrays } of kernels.filter((each) => each.name.includes("piece"))) {
    const read = arrays.map((array) => array.name).filter((array) => /^(keys|values)\./.test(array));
    expect(new Set(read.map((array) => array.split(".")[1])).size, name).toBeLessThanOrEqual(1);
  }
  const plan = JSON.stringify(fused, null, 2);
  await expect([readFileSync(place, "utf8"), `// Plan\n${plan}`, ...program.dispatches.map(({ code }) => code)].join("\n\n")).toMatchFileSnapshot("segments.txt");
});
