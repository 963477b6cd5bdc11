/** What stands beside a softmax, and scores of other kinds, go through the same pass. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectFit, expectGolden, foldsOf, MODEL, overCompulsory, overWritten, planned, type Planned } from "../row";

const KERNELS = ["totalBeside", "sinks", "capped", "sloped", "squared"] as const;

describe("scores", () => {
  const rows = new Map<string, Planned>();
  const of = (kernel: string): Planned => {
    const row = rows.get(kernel);
    if (row === undefined) throw new Error(`${kernel} was not planned`);
    return row;
  };
  beforeAll(async () => {
    for (const kernel of KERNELS) rows.set(kernel, await planned("scores", kernel, MODEL));
  });

  it.each(KERNELS)("%s is one pass that reads keys and values once", (kernel) => {
    const row = of(kernel);
    expect(foldsOf(row)).toEqual([kernel === "squared" ? "token: sum, sum2" : "token: max, sum (×), sum2 (×)"]);
    expect(overCompulsory(row)).toBeLessThanOrEqual(1.05);
    // A weight that is a square is squared where it meets a value, for each channel: one operation that is not written so often.
    const { head = 0, token = 0, channel = 0 } = MODEL;
    const again = kernel === "squared" ? head * token * channel : 0;
    expect(overWritten(row, again)).toBeLessThanOrEqual(1.05);
  });

  it("fits the device in every plan that is offered", () => KERNELS.forEach((kernel) => expectFit(of(kernel))));
  it("reads as it did", async () => expectGolden("scores", "scores", KERNELS.map(of)));
});
