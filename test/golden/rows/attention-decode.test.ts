/** Attention over full-precision keys and values. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectFit, expectGolden, foldsOf, MODEL, overCompulsory, overWritten, planned, plansOf, type Planned } from "../row";

describe("attention decode, f32, grouped queries", () => {
  let row: Planned;
  beforeAll(async () => void (row = await planned("attention", "decode", MODEL)));

  it("is a partial and a merge, with one fold", () => {
    expect(row.lowering.kernels.length).toBe(2);
    expect(foldsOf(row)).toEqual(["token: max, sum (×), sum2 (×)"]);
  });

  it("is one dispatch where it is not split", () => {
    const whole = plansOf(row).candidates.filter(({ plan }) => Object.values(plan.folds).every((fold) => fold.kind === "stream" && fold.part === undefined));
    expect(whole.length).toBeGreaterThan(0);
    for (const { scheduled } of whole) expect(scheduled.kernels.length).toBe(1);
  });

  it("moves at most 1.05 times the bytes that it must, and computes each score once", () => {
    expect(overCompulsory(row)).toBeLessThanOrEqual(1.05);
    expect(overWritten(row)).toBeLessThanOrEqual(1.05);
  });

  it("fits the device in every plan that is offered", () => expectFit(row));
  it("reads as it did", async () => expectGolden("attention-decode", "attention", [row]));
});
