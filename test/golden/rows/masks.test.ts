/** Masks of position become bounds; a mask read from data becomes a guard. */
import { beforeAll, describe, expect, it } from "vitest";
import { expectFit, expectGolden, isOnePass, loopsOf, planned, plansOf, type Planned } from "../row";

const SET = { query: 1024, token: 1024, channel: 64 };
const KERNELS = ["causally", "windowed", "prefixed", "blocks", "fromData", "biased"] as const;

describe("masks", () => {
  const rows = new Map<string, Planned>();
  const of = (kernel: (typeof KERNELS)[number]): Planned => {
    const row = rows.get(kernel);
    if (row === undefined) throw new Error(`${kernel} was not planned`);
    return row;
  };
  beforeAll(async () => {
    for (const kernel of KERNELS) rows.set(kernel, await planned("masks", kernel, SET));
  });

  it.each(KERNELS)("%s is one pass over the tokens", (kernel) => expect(isOnePass(of(kernel), "token")).toBe(true));

  /** Bytes of keys and values that are read where the mask hides nothing. */
  const unmasked = (): number => keyBytes(of("fromData"));
  const keyBytes = ({ explained }: Planned): number =>
    explained.dispatches.flatMap(({ traffic }) => traffic ?? []).filter(({ array }) => array === "keys" || array === "values").reduce((sum, { read }) => sum + read, 0);

  it("reads half of it under a causal mask, and what a window shows", () => {
    // Of 1024 · 1024 pairs, a triangle; of that, what is nearer than 512.
    expect(keyBytes(of("causally")) / unmasked()).toBeLessThan(0.51);
    expect(keyBytes(of("windowed")) / unmasked()).toBeLessThan(0.385);
  });

  it("says of parts that the mask hides that they are dead", () => {
    for (const kernel of ["causally", "windowed"] as const) {
      const guards = of(kernel).explained.dispatches.flatMap((dispatch) => dispatch.guards ?? []);
      expect(guards.some(({ live, mixed, dead }) => live > 0 && mixed > 0 && dead > 0), kernel).toBe(true);
    }
  });

  it("leaves out tiles that a mask of position hides, in plans of one dispatch", () => {
    for (const kernel of ["causally", "windowed"] as const) {
      const streamed = plansOf(of(kernel)).candidates.filter(({ plan }) => Object.values(plan.folds).some((fold) => fold.kind === "stream" && fold.part === undefined));
      expect(streamed.length).toBeGreaterThan(0);
      for (const { scheduled } of streamed) {
        const found = scheduled.kernels.flatMap(loopsOf);
        expect(found.length).toBeGreaterThan(0);
        // Bounds that read the query: neither the first tile nor the last of the axis.
        for (const { low, high } of found) expect([low, high].some(({ free }) => free.length > 0)).toBe(true);
      }
    }
  });

  it("fits the device in every plan that is offered", () => KERNELS.forEach((kernel) => expectFit(of(kernel))));
  it("reads as it did", async () => expectGolden("masks", "masks", KERNELS.map(of)));
});
