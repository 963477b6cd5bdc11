/** @file A campaign in pages of a browser: what is wrong is found there, what is lost is opened again, and nothing is done twice. */

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { deviceWays } from "../../bin/fuzz/device";
import { fuzzPrograms, type Prepare } from "../../bin/fuzz/fuzz";
import { programText, randomProgram } from "../../bin/fuzz/program";
import { Random } from "../../bin/fuzz/random";
import { campaign, totalsOf, type Result, type SearchPage } from "../../scripts/campaign/campaign";
import { ChromiumPages, NO_CHROMIUM } from "../../scripts/campaign/chromium-pages";
import { printed } from "../../scripts/campaign/command";
import { digestOf, Results } from "../../scripts/campaign/results";
import { openDevice } from "../../runtime/index";
import { GPUJS } from "../../spec/interpreter";

const folder = mkdtempSync(join(tmpdir(), "kvern-campaign-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const result = (seed: number, more: Partial<Result> = {}): Result => ({ seed, compared: 4, unbounded: 0, largest: 0.5, refusals: {}, lost: [], milliseconds: 10, ...more });
const FAILURE = { title: "out[0] is 1", text: "// out[0] is 1\n" };

describe("in a page, in mode webgl2,", () => {
  test("programs agree, a page that loses what it draws with is opened again, and a planted fault is made small", async ({ skip }) => {
    const pages = await ChromiumPages.of("webgl2", (seed) => `again with ${seed}`, "test/fuzz/planted-page.ts");
    const results: Result[] = [];
    const inputs: unknown[] = [];
    try {
      await campaign({
        seeds: [1, 2, 3], open: () => pages.open(),
        keep: (each, failures) => {
          results.push(each);
          inputs.push(...failures.map((failure) => failure.inputs));
          return Promise.resolve();
        },
      });
    } catch (fault) {
      if (String(fault).includes(NO_CHROMIUM)) skip(NO_CHROMIUM);
      throw fault;
    } finally {
      await pages.close();
    }
    const [first, second, third] = results;
    expect(pages.how).toContain("mode webgl2");
    expect(first).toMatchObject({ seed: 1, lost: [] });
    expect(first?.compared).toBeGreaterThan(0);
    expect(second).toMatchObject({ seed: 2, lost: [expect.stringContaining("KV4004")] });
    expect([first?.failure, second?.failure]).toEqual([undefined, undefined]);
    const text = third?.failure?.text ?? "";
    expect(third?.failure?.title).toMatch(/ on gpu\.js, mode webgl2 and .* by the interpreter, which allows a difference of /);
    expect(text).toContain("// again with 3\n");
    expect(text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("//")).length, text).toBeLessThanOrEqual(10);
    expect(inputs).toHaveLength(1);
    // The programs are those of the same search in Node, where mode cpu stands for the page's.
    const device = await openDevice({ backend: "gpujs", mode: "cpu" });
    const prepare: Prepare = async (file, graph) => ({ ...(await deviceWays(device, [undefined])(file, graph)), accuracy: GPUJS.webgl2 });
    const { compared, unbounded } = await fuzzPrograms({ runs: 1, seed: 1, backend: "gpujs", prepare, progress: () => undefined });
    await device.close();
    expect(first).toMatchObject({ compared, unbounded });
  }, 60_000);
});

const tried = (seed: number): Awaited<ReturnType<SearchPage["try"]>> =>
  ({ kind: "tried", refusals: { KV2001: 2 }, report: { runs: 1, compared: seed, unbounded: 0, refused: 0, refusal: undefined, largest: 0, failures: [] } });

/** Pages without a browser: a seed of `lost` is lost on as many of them as it says. */
function pagesThat(lost: ReadonlyMap<number, number>) {
  const left = new Map(lost);
  const log: string[] = [];
  const open = (): Promise<SearchPage> => {
    log.push("open");
    const end = (how: string) => (): Promise<void> => Promise.resolve(void log.push(how));
    return Promise.resolve({
      close: end("close"), abandon: end("abandon"),
      try: (seed) => {
        const more = left.get(seed) ?? 0;
        left.set(seed, more - 1);
        return Promise.resolve(more > 0 ? { kind: "lost", why: "it was silent" } : tried(seed));
      },
    });
  };
  return { open, log };
}

async function ran(seeds: readonly number[], open: () => Promise<SearchPage>): Promise<readonly Result[]> {
  const results: Result[] = [];
  await campaign({ seeds, open, keep: (each) => Promise.resolve(void results.push(each)) });
  return results;
}

describe("a campaign", () => {
  test("goes on after a page that was lost, and takes a program that loses two for a failure, as it was made", async () => {
    const { open, log } = pagesThat(new Map([[5, 1], [6, 2]]));
    const results = await ran([4, 5, 6, 7], open);
    expect(results.map(({ compared, lost }) => [compared, lost.length])).toEqual([[4, 0], [5, 1], [0, 2], [7, 0]]);
    expect(log).toEqual(["open", "abandon", "open", "abandon", "open", "abandon", "open", "close"]);
    expect(results.map(({ failure }) => failure?.title)).toEqual([undefined, undefined, "the page was lost 2 times: it was silent; it was silent", undefined]);
    expect(results[2]?.failure?.text).toContain(programText(randomProgram(new Random(6))));
  });

  test("has a new page after a hundred programs", async () => {
    const { open, log } = pagesThat(new Map());
    expect(await ran(Array.from({ length: 201 }, (_, seed) => seed), open)).toHaveLength(201);
    expect(log).toEqual(["open", "close", "open", "close", "open", "close"]);
  });

  test("ends where no page can be opened, and keeps what it has", async () => {
    const { open } = pagesThat(new Map([[2, 1]]));
    const results: Result[] = [];
    let openings = 0;
    const once = (): Promise<SearchPage> => (openings++ === 0 ? open() : Promise.reject(new Error("no page")));
    await expect(campaign({ seeds: [1, 2, 3], open: once, keep: (each) => Promise.resolve(void results.push(each)) })).rejects.toThrow("no page");
    expect(results.map(({ seed }) => seed)).toEqual([1]);
    expect(openings).toBe(4);
  });

  test("ends after as many failures as a search does, and when it is stopped", async () => {
    expect(await ran([1, 2, 3, 4, 5], pagesThat(new Map([1, 2, 3, 4, 5].map((seed) => [seed, 2]))).open)).toHaveLength(3);
    const results: Result[] = [];
    await campaign({ seeds: [1, 2, 3], open: pagesThat(new Map()).open, stopped: () => results.length > 0, keep: (each) => Promise.resolve(void results.push(each)) });
    expect(results).toHaveLength(1);
  });
});

describe("results", () => {
  const state = { mode: "webgl2", scripts: digestOf({ "/page.mjs": "a" }) };

  test("are taken up again, but for one that failed, one of other scripts or of another mode, and half a line", () => {
    const file = join(folder, "results.jsonl");
    const kept = new Results(file, state);
    for (const each of [result(1), result(2, { failure: FAILURE }), result(3)]) kept.add(each);
    new Results(file, { ...state, mode: "webgpu" }).add(result(4));
    new Results(file, { ...state, scripts: digestOf({ "/page.mjs": "b" }) }).add(result(5));
    appendFileSync(file, readFileSync(file, "utf8").slice(0, 30));
    const again = new Results(file, state);
    expect([1, 2, 3, 4, 5].filter((seed) => again.isDone(seed))).toEqual([1, 3]);
    again.add(result(2, { compared: 9 }));
    const last = new Results(file, state);
    expect(last.isDone(2)).toBe(true);
    expect(last.of([3, 2]).map(({ compared }) => compared)).toEqual([4, 9]);
  });

  test("are added up: what was refused with its code and a program, what was lost, what is left, what failed", () => {
    const refused = (seed: number): Result => result(seed, { compared: 0, largest: 0, refusal: "error KV2001: no\n  mend", refusals: { KV2001: 64 } });
    const totals = totalsOf([result(1), refused(2), refused(3), result(4, { failure: FAILURE, lost: ["silent"], refusals: { KV4201: 1 } })]);
    expect(printed(totals, 1, 6)).toBe([
      "",
      "seed 4: out[0] is 1",
      "written to kvern-fuzz-4.ts:",
      "",
      "// out[0] is 1",
      "",
      "",
      "4 runs from seed 1: 1 failures; 8 elements within their bound, at most 50.0 % of it; 0 elements of which nothing is promised; 2 runs without sizes that fit; 0 s",
      "2 programs are left: the same command goes on with them",
      "2 programs refused with KV2001, such as seed 2: error KV2001: no   mend",
      "sizes and inputs drawn anew, as they were refused: 128 with KV2001, 1 with KV4201",
      "1 pages were lost and opened again",
    ].join("\n"));
  });
});
