/** What has no sound repair takes a second pass, and says why. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectFit, expectGolden, foldsOf, planned, refusalsOf, type Planned } from "../row";

describe("refused as one pass", () => {
  let minP: Planned, bell: Planned;
  beforeAll(async () => {
    const set = { row: 8, token: 32000, channel: 64 };
    minP = await planned("refused", "minP", set);
    bell = await planned("refused", "bell", set);
  });

  it("min-p: a guard that changes with the state", () => {
    expect(foldsOf(minP).map((fold) => fold.split(":")[0])).toEqual(["token", "token 2"]);
    expect(refusalsOf(minP, "fold")).toMatch(/its guard .* changes with .*it takes a further pass/s);
  });

  it("a bell around the maximum: a factor that depends on the position", () => {
    expect(foldsOf(bell).map((fold) => fold.split(":")[0])).toEqual(["token", "token 2"]);
    expect(refusalsOf(bell, "fold")).toMatch(/would be repaired by a factor that depends on the position; it takes a further pass/);
  });

  it("fits the device in every plan that is offered", () => [minP, bell].forEach(expectFit));
  it("reads as it did", async () => expectGolden("refused", "refused", [minP, bell]));
});
