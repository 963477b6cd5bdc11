/**
 * Codes millions of vectors on a device and elsewhere and compares: `node scripts/build.mjs && node
 * scripts/campaign-encode.mjs [vectors]`. On a grid where f32 is exact, ties included, every code must be the same; for
 * numbers of any size, a code may differ where two centroids are equally near as far as f32 can tell, and must be as near.
 * Elsewhere is a search in plain loops, in f64, the first of equals; its first codes are held to the interpreter's.
 */
import { readFileSync } from "node:fs";

const { openDevice } = await import(new URL("../dist/runtime.js", import.meta.url).href);
const graphs = JSON.parse(readFileSync(new URL("../runtime/cache/graphs.json", import.meta.url), "utf8"));
const wanted = Number(process.argv[2] ?? 1_000_000);
const device = await openDevice({ backend: "wgsl" });
const interpreter = await openDevice({ backend: "interpreter" });
console.log(device.describe());

let state = 1;
/** Uniform in [0, 1). */
const random = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return (state >>> 0) / 2 ** 32;
};
const grid = () => (Math.floor(random() * 33) - 16) / 8;
const half = (x) => {
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x) || 1)), -14);
  const step = 2 ** (exponent - 10);
  return Math.round(x / step) * step;
};
const anywhere = () => 4 * (random() + random() + random() - 1.5);
const GROUPS = 16;
let failed = false;

/** The nearest centroid of every vector, the first of equals, and how many have another as near. */
const search = (x, book, couple, entries) => {
  const codes = new Uint16Array(x.length / couple);
  let ties = 0;
  for (let at = 0; at < codes.length; at++) {
    const table = (at % GROUPS) * entries * couple;
    let best = 0, least = Infinity, equals = 0;
    for (let code = 0; code < entries; code++) {
      let sum = 0;
      for (let lane = 0; lane < couple && sum <= least; lane++) {
        const difference = x[at * couple + lane] - book[table + code * couple + lane];
        sum += difference * difference;
      }
      if (sum < least) [best, least, equals] = [code, sum, 0];
      else if (sum === least) equals++;
    }
    codes[at] = best;
    if (equals > 0) ties++;
  }
  return { codes, ties };
};

/** Couplings with the share of the vectors that each has: a vector costs 2^bits distances. */
const FORMATS = [
  ...[[1, 4], [2, 4], [4, 4], [8, 4], [8, 6], [16, 4]].map((format) => [...format, 1 / 6]),
  ...[[2, 8], [4, 8], [8, 8]].map((format) => [...format, 1 / 2]),
  [1, 9, 1 / 4], [8, 10, 1 / 8], [3, 11, 1 / 16], [4, 12, 1 / 32], [8, 13, 1 / 64], [16, 14, 1 / 128], [2, 15, 1 / 256], [8, 16, 1 / 512],
];
/** Distances that the interpreter computes, for each coupling. */
const INTERPRETED = 2 ** 19;
let all = 0, tied = 0;

for (const [couple, bits, share] of FORMATS) {
  for (const [name, draw] of [["grid", grid], ["any", anywhere]]) {
    const tokens = Math.ceil((wanted * share) / 2 / GROUPS);
    const entries = 2 ** bits;
    const x = Float32Array.from({ length: tokens * GROUPS * couple }, draw);
    const book = Float32Array.from({ length: GROUPS * entries * couple }, () => half(draw()));
    const first = Math.min(tokens, Math.ceil(INTERPRETED / entries / GROUPS));
    const inputs = (count) => ({ x: { shape: [count, 1, GROUPS * couple], data: x.subarray(0, count * GROUPS * couple) }, book: { shape: [1, GROUPS, entries, couple], data: book } });
    const codesOn = async (on, count) => (await (await on.prepare(graphs[`encode${bits}`])).run(inputs(count))).out.data;
    const [found, interpreted] = [await codesOn(device, tokens), await codesOn(interpreter, first)];
    const { codes: meant, ties } = search(x, book, couple, entries);
    const apart = interpreted.findIndex((code, at) => code !== meant[at]);
    if (apart >= 0) throw new Error(`CQ-${couple}c${bits}b ${name}: the loops here find ${meant[apart]} for vector ${apart}, the interpreter ${interpreted[apart]}`);
    const distance = (at, code) => {
      let sum = 0;
      for (let lane = 0; lane < couple; lane++) sum += (x[at * couple + lane] - book[((at % GROUPS) * entries + code) * couple + lane]) ** 2;
      return sum;
    };
    const gamma = (1 + 2 ** -23) ** (2 + couple) - 1;
    let other = 0, wrong = 0;
    for (let at = 0; at < found.length; at++) {
      if (found[at] === meant[at]) continue;
      other++;
      if (name === "grid" || distance(at, found[at]) * (1 - gamma) > distance(at, meant[at]) * (1 + gamma)) wrong++;
    }
    failed ||= wrong > 0;
    all += found.length;
    tied += ties;
    console.log(`CQ-${couple}c${bits}b ${name.padEnd(4)} ${found.length} vectors, ${interpreted.length} of them interpreted, ${ties} with ties, ${other} coded otherwise, ${wrong} wrongly`);
  }
}
console.log(`${all} vectors, ${tied} with ties`);
await device.close();
process.exit(failed ? 1 : 0);
