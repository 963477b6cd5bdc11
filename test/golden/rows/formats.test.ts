/** Other formats of caches: decoded inside the loop or tabulated, by cost. */
import { beforeAll, describe, expect, it } from "vitest";
import { choicesOf, expectFit, expectGolden, isOnePass, MODEL, overCompulsory, planned, plansOf, refusalsOf, type Planned } from "../row";

const KERNELS = ["residuals", "integers", "signs", "levels"] as const;
const SET = { ...MODEL, "token/32": 512, "channel/32": 4 };

describe("formats", () => {
  const rows = new Map<string, Planned>();
  const of = (kernel: (typeof KERNELS)[number]): Planned => {
    const row = rows.get(kernel);
    if (row === undefined) throw new Error(`${kernel} was not planned`);
    return row;
  };
  beforeAll(async () => {
    for (const kernel of KERNELS) rows.set(kernel, await planned("formats", kernel, SET));
  });

  it.each(KERNELS)("%s go through the tokens once", (kernel) => expect(isOnePass(of(kernel), "token")).toBe(true));

  it("offers a table for each book of a sum of look-ups", () => {
    const offered = plansOf(of("residuals"), true).candidates.map(({ plan }) => plan.choices.map(({ rule }) => rule).join());
    expect(offered.some((rules) => rules.startsWith("tabulate"))).toBe(true);
    expect(offered).toContain("");
  });

  it("decodes integers, signs and levels inside the loop, and says why no table is made", () => {
    for (const kernel of ["integers", "signs", "levels"] as const) expect(choicesOf(of(kernel)), kernel).toEqual([]);
    expect(refusalsOf(of("signs"), "tabulate")).toMatch(/still depends on token through keys\.scale/);
  });

  it("reads signs and their values little more than once", () => expect(overCompulsory(of("signs"))).toBeLessThanOrEqual(1.05));

  it("fits the device in every plan that is offered", () => KERNELS.forEach((kernel) => expectFit(of(kernel))));
  it("reads as it did", async () => expectGolden("formats", "formats", KERNELS.map(of)));
});
