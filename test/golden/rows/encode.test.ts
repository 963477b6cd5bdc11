/** The nearest centroid of every group. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectGolden, planned, traffic, type Planned } from "../row";

describe("encode", () => {
  let row: Planned;
  beforeAll(async () => void (row = await planned("encode", "encode", { kvHead: 8, channel: 128, "channel/8": 16, token: 16384 })));

  it("is one dispatch", () => expect(row.lowering.kernels.length).toBe(1));

  it("reads the codebook once for each tile of tokens", () => {
    // 8 heads · 16 groups · 256 centroids · 8 channels in f16.
    const book = 8 * 16 * 256 * 8 * 2;
    expect(traffic(row, "book") / book).toBeLessThanOrEqual(16384 / 64);
  });

  it("reads as it did", async () => expectGolden("encode", "encode", [row]));
});
