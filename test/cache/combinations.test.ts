/** @file Attention over caches of every pair of: sizes, formats of keys and of values, segments, masks, queries, and what else is asked. */

import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { compileSource } from "kvern/compiler";

import { createCache } from "../../runtime/cache/cache";
import { describeOnDevice, device } from "../device/harness";
import { expectWithinBound, inputsOf } from "./attend";
import type { Combination } from "./combined";
import { rows } from "./commands";
import { Model } from "./model";
import { pairOf, pairsOf, pairwise, type Case } from "./pairs";
import { onGrid, specOf, type Kind } from "./samples";

/** Bits that stand for each other; each case takes those of its class that were taken least. */
const BITS = { "1–3": [1, 2, 3], "4–7": [4, 5, 6, 7], "8": [8], "9–12": [9, 10, 11, 12], "13–16": [13, 14, 15, 16] } as const;
const CLASSES = ["1–3", "4–7", "8", "9–12", "13–16"] as const;
const FORMATS = ["f32", "f16", 1, 3, 8, 16] as const;
const [SINKS, WINDOW] = [2, 3];

const FACTORS = {
  channels: [8, 24, 48, 128, 256],
  kvHeads: [1, 2, 3],
  /** Query heads for each of them. */
  grouped: [1, 4],
  map: [false, true],
  keys: FORMATS,
  keyBits: CLASSES,
  values: FORMATS,
  valueBits: CLASSES,
  sinks: [false, true],
  tail: [false, true],
  /** With few tokens nothing is coded where there are sinks and a tail. */
  tokens: [3, 8, 11],
  queries: [1, 2, 8, "all"],
  pieces: [false, true],
  mask: ["none", "causal", "window"],
  softCap: [false, true],
  logSumExp: [false, true],
} as const;
type Made = Case<typeof FACTORS>;

/** Numbers of a codebook that are no trouble to make. */
const MOST = 2 ** 20;

function fits({ channels, kvHeads }: Made, format: (typeof FORMATS)[number], bits: (typeof CLASSES)[number]): boolean {
  return typeof format === "string" || (channels % format === 0 && kvHeads * channels * 2 ** Math.min(...BITS[bits]) <= MOST);
}

const CASES = pairwise(FACTORS, (made) => fits(made, made.keys, made.keyBits) && fits(made, made.values, made.valueBits) && (made.queries === "all" || made.queries <= made.tokens), 1);

/** How often bits were taken so far. */
const taken = new Map<number, number>();
function kindOf({ channels, kvHeads }: Made, format: (typeof FORMATS)[number], bits: (typeof CLASSES)[number]): Kind {
  if (typeof format === "string") return format;
  const fitting = BITS[bits].filter((each) => kvHeads * channels * 2 ** each <= MOST);
  const times = (each: number): number => taken.get(each) ?? 0;
  const least = fitting.reduce((best, each) => (times(each) <= times(best) ? each : best));
  taken.set(least, times(least) + 1);
  return [format, least];
}

const NUMBERED = CASES.map((made, at) => ({ made, at, kinds: [kindOf(made, made.keys, made.keyBits), kindOf(made, made.values, made.valueBits)] as const }));

/** Cases in which every level occurs, unless all are asked for (`npm run every-plan`). */
const RUN = process.env["KVERN_EVERY_PLAN"] === "all" ? NUMBERED : NUMBERED.filter(bringsLevel());

/** Whether a case has a level of some factor that none before it had. */
function bringsLevel(): (numbered: { readonly made: Made }) => boolean {
  const seen = new Set<string>();
  return ({ made }) => {
    const before = seen.size;
    for (const [factor, level] of Object.entries(made)) seen.add(`${factor}=${String(level)}`);
    return seen.size > before;
  };
}

/** The program with a kernel for each case. */
function program(): string {
  const kernels = RUN.map(({ made: { sinks, tail, mask, softCap, logSumExp, map }, at, kinds: [keys, values] }) => {
    const combination: Combination = { keys, values, sinks, tail, mask, softCap, logSumExp, map };
    return `export const case${at} = combined(${JSON.stringify(combination)});`;
  });
  return ['import { combined } from "./combined";', ...kernels].join("\n");
}

test("the cases cover every pair that can be", () => {
  const covered = new Set(CASES.flatMap(pairsOf));
  for (const channels of FACTORS.channels) for (const couple of [1, 3, 8, 16] as const) expect(covered.has(pairOf("channels", channels, "keys", couple))).toBe(channels % couple === 0);
  for (const one of FORMATS) for (const other of FORMATS) expect(covered.has(pairOf("keys", one, "values", other)), `${one} ${other}`).toBe(true);
  for (const one of CLASSES) for (const other of CLASSES) expect(covered.has(pairOf("keyBits", one, "valueBits", other)), `${one} ${other}`).toBe(true);
  for (const mask of FACTORS.mask) for (const queries of FACTORS.queries) expect(covered.has(pairOf("queries", queries, "mask", mask))).toBe(true);
  for (const [factor, levels] of Object.entries(FACTORS)) for (const level of levels) expect(RUN.some(({ made }) => Object.entries(made).some(([name, at]) => name === factor && at === level)), `${factor} ${level}`).toBe(true);
  const bits = new Set(NUMBERED.flatMap(({ kinds }) => kinds.flatMap((kind) => (typeof kind === "string" ? [] : [kind[1]]))));
  expect([...bits].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, at) => at + 1));
});

describeOnDevice("attention over a cache", () => {
  let kernels: Readonly<Record<string, unknown>> = {};
  beforeAll(async () => {
    const combined = readFileSync(new URL("combined.ts", import.meta.url), "utf8");
    ({ kernels } = await compileSource({ "cases.ts": program(), "combined.ts": combined }, "cases.ts"));
  }, 240_000);

  test.each(RUN)("$at: $made", { timeout: 120_000 }, async ({ made, at, kinds }) => {
    const { channels, kvHeads, grouped, tokens, pieces } = made;
    const spec = specOf({ heads: kvHeads, channels, ...(made.sinks ? { sinks: SINKS } : {}), ...(made.tail ? { window: WINDOW } : {}), kinds: [kinds] });
    const cache = await createCache(spec, device());
    const model = new Model(spec);
    const counts = pieces ? Array.from({ length: tokens }, () => 1) : [tokens];
    for (const [piece, count] of counts.entries()) {
      const [keys, values] = [onGrid([count, kvHeads, channels], 100 * piece + 1), onGrid([count, kvHeads, channels], 100 * piece + 2)];
      await cache.append(0, keys, values);
      model.append(0, rows(keys), rows(values), [count]);
    }
    const heads = grouped * kvHeads;
    const q = onGrid([made.queries === "all" ? tokens : made.queries, heads, channels], at);
    // Every head of the cache is read, and not in order.
    const map = { shape: [heads], data: Uint32Array.from({ length: heads }, (_, head) => (2 * head + 1) % kvHeads) };
    const kernel = await device().prepare(kernels[`case${at}`], { set: { channel: channels, kvHead: kvHeads, head: heads } });
    await expectWithinBound(kernel, kernels[kernel.name], { q, map, ...cache.layer(0).tensors() }, { q, map, ...inputsOf(model, 0, 0) });
    await cache.close();
  });
});
