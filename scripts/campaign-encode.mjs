/**
 * Codes millions of vectors on a device and in the interpreter and compares: `node scripts/build.mjs && node
 * scripts/campaign-encode.mjs [vectors]`. On a grid where f32 is exact, ties included, every code must be the same; for
 * numbers of any size, a code may differ where two centroids are equally near as far as f32 can tell, and must be as near.
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

for (const [couple, bits] of [[1, 4], [2, 4], [4, 4], [8, 4], [8, 6], [16, 4]]) {
  for (const [name, draw] of [["grid", grid], ["any", anywhere]]) {
    const tokens = Math.ceil(wanted / 12 / GROUPS);
    const entries = 2 ** bits;
    const x = Float32Array.from({ length: tokens * GROUPS * couple }, draw);
    const book = Float32Array.from({ length: GROUPS * entries * couple }, () => half(draw()));
    const inputs = { x: { shape: [tokens, 1, GROUPS * couple], data: x }, book: { shape: [1, GROUPS, entries, couple], data: book } };
    const [found, meant] = await Promise.all([device, interpreter].map(async (on) => (await (await on.prepare(graphs[`encode${bits}`])).run(inputs)).out.data));
    const distance = (at, code) => {
      let sum = 0;
      for (let lane = 0; lane < couple; lane++) sum += (x[at * couple + lane] - book[((at % GROUPS) * entries + code) * couple + lane]) ** 2;
      return sum;
    };
    const gamma = (1 + 2 ** -23) ** (2 + couple) - 1;
    let ties = 0, other = 0, wrong = 0;
    for (let at = 0; at < found.length; at++) {
      const least = distance(at, meant[at]);
      for (let code = meant[at] + 1; code < entries; code++) if (distance(at, code) === least) { ties++; break; }
      if (found[at] === meant[at]) continue;
      other++;
      if (name === "grid" || distance(at, found[at]) * (1 - gamma) > least * (1 + gamma)) wrong++;
    }
    failed ||= wrong > 0;
    console.log(`CQ-${couple}c${bits}b ${name.padEnd(4)} ${found.length} vectors, ${ties} with ties, ${other} coded otherwise, ${wrong} wrongly`);
  }
}
await device.close();
process.exit(failed ? 1 : 0);
