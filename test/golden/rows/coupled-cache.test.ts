/** Attention over codes of several channels: keys as they are, and keys before their rotation. */
import { beforeAll, describe, expect, it } from "vitest";
import { SOFTWARE } from "../../../compiler/plan/fold/cost";
import { choicesOf, expectFit, expectGolden, foldsOf, MODEL, planned, plansOf, refusalsOf, traffic, type Planned } from "../row";

const CODES = MODEL.token !== undefined && MODEL.kvHead !== undefined ? MODEL.token * MODEL.kvHead : 0;

describe("position-free keys", () => {
  let hardware: Planned, software: Planned;
  beforeAll(async () => {
    const set = { ...MODEL, "channel/8": 16 };
    hardware = await planned("coupled-cache", "positionFree", set);
    software = await planned("coupled-cache", "positionFree", set, SOFTWARE);
  });

  it("tabulates the keys, and groups the values by code where that is less work", () => {
    const offered = plansOf(hardware, true).candidates.map(({ plan }) => plan.choices.map(({ rule }) => rule).join());
    expect([...new Set(offered)].sort()).toEqual(["", "tabulate", "tabulate,group"]);
    expect(choicesOf(software)[0]).toBe("tabulate");
  });

  it("shares each code among the four query heads of its key head", () => {
    for (const row of [hardware, software]) for (const codes of ["keys.codes", "values.codes"]) expect(traffic(row, codes), codes).toBe(CODES * 16);
  });

  it("fits the device in every plan that is offered, 8 storage buffers included", () => expectFit(hardware));
  it("reads as it did", async () => expectGolden("position-free", "coupled-cache", [hardware, software]));
});

describe.each(["halfSplit", "interleaved"])("keys rotated after decoding: %s", (kernel) => {
  let row: Planned;
  beforeAll(async () => void (row = await planned("coupled-cache", kernel, { ...MODEL, "channel/4": 32, half: 64 })));

  it("pairs what turns together, and does not tabulate: a key depends on its position", () => {
    expect(choicesOf(row)).toContain("unroll");
    expect(choicesOf(row)).not.toContain("tabulate");
    const offered = plansOf(row, true).candidates.map(({ plan }) => plan.choices.map(({ rule }) => rule).filter((rule) => rule !== "cut").join());
    expect([...new Set(offered)].sort()).toEqual(["", "align", "align,group", "unroll", "unroll,group"]);
    // Four query heads would each rotate, where the keys are rotated once for all of them.
    expect(refusalsOf(row, "align")).toMatch(/^legal, and the program's values would take [\d,]+ operations and [\d,]+ loads instead of/);
    expect(refusalsOf(row, "tabulate")).toMatch(/still depends on token through (cos|sin)\[token, /);
  });

  it("is one fold that reads each code once", () => {
    expect(foldsOf(row).filter((fold) => fold.startsWith("token"))).toEqual(["token: max, sum (×), sum2 (×)"]);
    for (const codes of ["keys.codes", "values.codes"]) expect(traffic(row, codes), codes).toBe(CODES * 32);
  });

  it("fits the device in every plan that is offered, workgroup memory included", () => expectFit(row));
  it("reads as it did", async () => expectGolden(`pre-rope-${kernel === "halfSplit" ? "half-split" : kernel}`, "coupled-cache", [row]));
});
