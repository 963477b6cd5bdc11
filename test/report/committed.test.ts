/** @file The committed report says what its figures say. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { coupled, costOf, ONE_BIT, rowOf, spaced } from "../../examples/report/comparison";
import { fromStored, verdict, type Findings, type StoredFindings } from "../../examples/report/findings";
import { exactPerplexity, page, pointsOf } from "../../examples/report/markdown";
import { costPlot, entropyPlot } from "../../examples/report/plots";
import { PAPER } from "../../examples/report/words";
import { keyOf, ROWS, WINDOW, type Row } from "../../examples/report/rows";

const read = (name: string): string => readFileSync(new URL(`../../report/${name}`, import.meta.url), "utf8");
const MODELS = ["tales", "stories260K"] as const;
const findings = MODELS.map((name) => fromStored(JSON.parse(read(`${name}.json`)) as StoredFindings));

describe.each(findings.map((each) => [each.name, each] as const))("the report of %s", (name, of) => {
  it("has every row", () => {
    expect(ROWS.map(keyOf).filter((key) => !of.results.has(key))).toEqual([]);
  });

  it("has its plots from its figures", async () => {
    expect(read(`${name}.svg`)).toBe(await costPlot(name, pointsOf(of), exactPerplexity(of)));
    expect(read(`${name}-entropy.svg`)).toBe(await entropyPlot(of.entropies));
  });

  it("bears out what its words say beside their figures", () => {
    const cost = (row: Row): number => costOf(of, row);
    // Formats of single channels cost less than in the paper; a window takes a part of the cost back; formats of 4 bits cost least.
    const paper = (perplexity: number): number => perplexity / PAPER.exact - 1;
    expect(cost(rowOf(spaced(2), "uniform"))).toBeLessThan(paper(PAPER.int2));
    expect(cost(rowOf(coupled(1, 1), "uniform"))).toBeLessThan(paper(PAPER.gridOf2));
    expect(Math.abs(cost(rowOf(ONE_BIT, "fisher")) - cost(rowOf(ONE_BIT, "uniform")))).toBeLessThan(paper(PAPER.uniform8c8b));
    expect(verdict(of, rowOf(ONE_BIT, "uniform", { window: WINDOW }), rowOf(ONE_BIT, "uniform"), "nll")).toBe("lower");
    for (const format of [coupled(2, 8), coupled(1, 4), spaced(4)]) expect(cost(rowOf(format, "uniform"))).toBeLessThan(cost(rowOf(ONE_BIT, "uniform")));
    // Joint entropies grow more slowly than those of independent channels.
    for (const { size, joint, shuffled } of of.entropies.rows) if (size > 1) expect(joint.mean).toBeLessThan(shuffled.mean);
  });
});

it("the report's page is what its figures make", () => {
  expect(read("README.md")).toBe(page(findings));
});

describe("two rows", () => {
  const [one, other] = [rowOf(ONE_BIT, "uniform"), rowOf(ONE_BIT, "fisher")];
  const seeded = (row: Row, seed: number): string => keyOf({ ...row, seed });
  /** Losses of the contexts of 100 tokens each, of each seed of the two rows. */
  const made = (ones: readonly (readonly number[])[], others: readonly (readonly number[])[]): Findings => {
    const scores = (row: Row, seeds: readonly (readonly number[])[]) => seeds.map((losses, at) => [seeded(row, at + 1), losses.map((nll) => ({ tokens: 100, nll, divergence: -nll }))] as const);
    const contexts = ones[0]?.length ?? 0;
    return { ...(findings[0] ?? missing()), heldout: Array.from({ length: contexts }, () => 100), results: new Map([...scores(one, ones), ...scores(other, others)]) };
  };

  it("are told apart by every seed and by contexts that agree", () => {
    expect(verdict(made([[10, 20, 30]], [[11, 21, 31]]), one, other, "nll")).toBe("lower");
    expect(verdict(made([[10, 20, 30]], [[11, 21, 31]]), one, other, "divergence")).toBe("higher");
    expect(verdict(made([[10, 20, 30], [10, 20, 32]], [[11, 21, 31]]), one, other, "nll")).toBe("not told apart");
    expect(verdict(made([[10, 20, 30]], [[20, 11, 31]]), one, other, "nll")).toBe("not told apart");
    expect(verdict(made([[10, 20, 30]], [[10, 20, 30]]), one, other, "nll")).toBe("not told apart");
  });

  it("are not compared where one of them is not there", () => {
    expect(verdict(made([[10, 20, 30]], []), one, other, "nll")).toBeUndefined();
  });
});

function missing(): never {
  throw new Error("there is a model");
}
