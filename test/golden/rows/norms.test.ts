/** Norms before a product, a loss, and a position with its score. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectFit, expectGolden, foldsOf, overCompulsory, planned, type Planned } from "../row";

describe("norms, losses, positions", () => {
  let rms: Planned, layer: Planned, loss: Planned, best: Planned;
  beforeAll(async () => {
    const matrix = { channel: 4096, output: 4096 };
    const rows = { row: 8, token: 32000 };
    rms = await planned("norms", "rms", matrix);
    layer = await planned("norms", "layer", matrix);
    loss = await planned("norms", "loss", rows);
    best = await planned("norms", "best", rows);
  });

  it("derives the state of each, in one fold", () => {
    expect(foldsOf(rms)).toEqual(["channel: sum, sum2"]);
    // Sum and count, squares around the mean so far, and the product with and without its deviation: all centred.
    expect(foldsOf(layer)).toEqual(["channel: sum, count, sum2 (+), sum3, sum4 (+)"]);
    expect(foldsOf(loss)).toEqual(["token: max, sum (×)"]);
    expect(foldsOf(best)).toEqual(["token: max, argmax"]);
  });

  it("moves little more than it must, in a partial dispatch and a merge", () => {
    for (const row of [rms, layer, loss, best]) expect(row.lowering.kernels.length, row.graph.name).toBeLessThanOrEqual(2);
    for (const row of [rms, layer, loss, best]) expect(overCompulsory(row), row.graph.name).toBeLessThanOrEqual(1.05);
  });

  it("fits the device in every plan that is offered", () => [rms, layer, loss, best].forEach(expectFit));
  it("reads as it did", async () => expectGolden("norms", "norms", [rms, layer, loss, best]));
});
