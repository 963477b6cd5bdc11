/**
 * Times fused plans of one decode step, from the language to the device, beside a plain flash decode in f32: `npm run bench
 * [-- TOKENS]`. All variants are built and checked first: on some of the heads every element against the interpreter's
 * bound. Then they are warmed up and run in turn, round by round; what counts is the median of the rounds' ratios to the
 * plain kernel. Milliseconds belong to the machine. Inputs stay on the device; the output is read back.
 */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compileFile } from "../dist/compiler.js";

const tokens = Number(process.argv[2] ?? 16384);
const [HEADS, KV_HEADS, CHANNELS] = [32, 8, 128];
const ROUNDS = 15;
/** Key/value heads whose query heads are checked. */
const CHECKED = 1;
const LOWERINGS = 9;

const root = fileURLToPath(new URL("..", import.meta.url));
const internals = fileURLToPath(new URL("../dist/benchmark/internals.js", import.meta.url));
await build({
  stdin: {
    resolveDir: root,
    contents: `export { lowerAll } from "./compiler/lower";
export { HARDWARE, SOFTWARE } from "./compiler/plan/fold/cost";
export { shapeText } from "./compiler/plan/fold/choose";
export { kernelOf, RunCheck } from "./runtime/kernel";
export { lowered } from "./runtime/lowering";
export { WebGpuDevice } from "./runtime/webgpu/device";
export { loadGraph } from "./spec/graph/json";
export { interpretWithBound } from "./spec/interpreter";`,
  },
  outfile: internals, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external", logLevel: "warning",
});
const { HARDWARE, interpretWithBound, kernelOf, lowerAll, lowered, loadGraph, RunCheck, shapeText, SOFTWARE, WebGpuDevice } = await import(internals);

const { kernels } = await compileFile(fileURLToPath(new URL("benchmark/attention.ts", import.meta.url)));

/** One workgroup of 64 lanes for each query head and chunk of 256 tokens: scores, their maximum, weights, a weighted sum of values, then a merge. */
const PLAIN = { choices: [], folds: { token: { kind: "stream", lanes: 64, tile: 256, part: 256, shares: { channel: { lane: 64, block: 2, vector: 1 } }, cross: "tree", roles: {} } } };

const variants = [
  { name: "f32, plain flash decode", kernel: "numbers", how: { fused: PLAIN } },
  { name: "f32", kernel: "numbers", how: {}, target: 0.65 },
  { name: "f32, a dispatch for each reduction", kernel: "numbers", how: { plans: "direct" } },
  { name: "CQ-8c8b, position-free", kernel: "codes8", how: {}, target: 0.45 },
  { name: "CQ-4c8b, keys rotated as read", kernel: "rotated4", how: {}, target: 1.6 },
];

const random = seeded(1);
const sizesOf = (kernel, heads, kvHeads) => ({ token: tokens, head: heads, kvHead: kvHeads, channel: CHANNELS, ...(kernel === "codes8" ? { "channel/8": CHANNELS / 8 } : {}), ...(kernel === "rotated4" ? { "channel/4": CHANNELS / 4, half: CHANNELS / 2 } : {}) });

/** Inputs by kernel, drawn once: reals f32 holds exactly, codes of every value. */
const drawn = new Map();
function inputsOf(kernel) {
  if (drawn.has(kernel)) return drawn.get(kernel);
  const { graph } = loadGraph(kernels[kernel]);
  const declared = Object.fromEntries(graph.axes.filter(({ extent }) => extent !== undefined).map(({ name, extent }) => [name, extent]));
  const sizes = { ...declared, ...sizesOf(kernel, HEADS, KV_HEADS) };
  const inputs = Object.fromEntries(graph.inputs.map(({ name, axes, element }) => {
    const shape = axes.map((axis) => sizes[axis]);
    const count = shape.reduce((all, size) => all * size, 1);
    const turn = (of) => Float32Array.from({ length: count }, (_, at) => of(Math.floor(at / shape.at(-1)) * 10000 ** (-(at % shape.at(-1)) / shape.at(-1))));
    const data = name === "cos" ? turn(Math.cos) : name === "sin" ? turn(Math.sin)
      : element.kind === "uint" ? Uint8Array.from({ length: count }, () => Math.floor(random() * 2 ** element.bits))
      : Float32Array.from({ length: count }, () => Math.floor(random() * 2048) / 1024 - 1);
    return [name, { shape, data }];
  }));
  const made = { graph, inputs };
  drawn.set(kernel, made);
  return made;
}

/** The same tensor with fewer positions along an axis. */
function cut({ shape, data }, at, keep) {
  const inner = shape.slice(at + 1).reduce((all, size) => all * size, 1);
  const outer = data.length / (shape[at] * inner);
  const parts = Array.from({ length: outer }, (_, row) => data.subarray(row * shape[at] * inner, (row * shape[at] + keep) * inner));
  const made = new data.constructor(outer * keep * inner);
  parts.forEach((part, row) => made.set(part, row * keep * inner));
  return { shape: shape.map((size, axis) => (axis === at ? keep : size)), data: made };
}

/** What the first query heads must come to, with a bound for each element. */
const expectations = new Map();
function expected(kernel) {
  let made = expectations.get(kernel);
  if (made === undefined) {
    const { graph, inputs } = inputsOf(kernel);
    const few = Object.fromEntries(graph.inputs.map(({ name, axes }) => {
      const keep = { head: (CHECKED * HEADS) / KV_HEADS, kvHead: CHECKED };
      return [name, axes.reduce((tensor, axis, at) => (keep[axis] === undefined ? tensor : cut(tensor, at, keep[axis])), inputs[name])];
    }));
    expectations.set(kernel, (made = interpretWithBound(graph, few).out));
  }
  return made;
}

const device = await WebGpuDevice.open({}, lowered);
const profile = device.info.kind === "software" ? SOFTWARE : HARDWARE;
console.log(`device     ${device.describe().replace(/; .*/, "")}\nshape      ${HEADS} query heads over ${KV_HEADS} key/value heads of ${CHANNELS} channels, ${tokens} tokens; ${ROUNDS} rounds\n`);

const uploaded = new Map();
async function onDevice(kernel) {
  if (uploaded.has(kernel)) return uploaded.get(kernel);
  const { graph, inputs } = inputsOf(kernel);
  const made = {};
  for (const { name, element } of graph.inputs) made[name] = await device.upload(element, inputs[name]);
  uploaded.set(kernel, made);
  return made;
}

const ready = [];
for (const variant of variants) {
  const { kernel, how } = variant;
  const { graph } = inputsOf(kernel);
  const set = sizesOf(kernel, HEADS, KV_HEADS);
  const times = [];
  let lowering;
  for (let at = 0; at < LOWERINGS; at++) {
    const began = performance.now();
    lowering = lowerAll(loadGraph(kernels[kernel]).graph, { set, limits: device.limits, profile, ...how });
    times.push(performance.now() - began);
  }
  const began = performance.now();
  const runnable = await device.compile({ program: lowering.program, kernel: kernelOf(graph, () => undefined), check: new RunCheck(kernelOf(graph, () => undefined), set) });
  const pipelines = performance.now() - began;
  const inputs = await onDevice(kernel);
  const { out } = await runnable.run(inputs);
  const { data, bound } = expected(kernel);
  let share = 0;
  data.forEach((value, at) => {
    const off = Math.abs(out.data[at] - value);
    if (!(off <= bound[at])) throw new Error(`${variant.name}: out[${at}] is ${out.data[at]}, and should be ${value} ± ${bound[at]}`);
    if (bound[at] > 0) share = Math.max(share, off / bound[at]);
  });
  const lines = Math.max(...lowering.program.dispatches.map(({ code }) => code.split("\n").length));
  ready.push({ ...variant, run: () => runnable.run(inputs), lowered: median(times), pipelines, lines, dispatches: lowering.program.dispatches.length, share, plan: lowering.fused, ms: [] });
}

for (const { run } of ready) for (let at = 0; at < 2; at++) await run();
for (let round = 0; round < ROUNDS; round++) {
  for (const one of ready) {
    const began = performance.now();
    await one.run();
    one.ms.push(performance.now() - began);
  }
}

const [control] = ready;
const rows = [["variant", "ratio", "from … to", "target", "ms", "dispatches", "lines", "to WGSL ms", "pipelines ms", "of bound"]];
for (const one of ready) {
  const ratios = one.ms.map((ms, round) => ms / control.ms[round]).sort((a, b) => a - b);
  rows.push([one.name, median(ratios).toFixed(3), `${ratios[0].toFixed(2)} … ${ratios.at(-1).toFixed(2)}`, one.target === undefined ? "" : `≤ ${one.target}`, median(one.ms).toFixed(1), one.dispatches, one.lines, one.lowered.toFixed(0), one.pipelines.toFixed(0), `${(100 * one.share).toFixed(0)} %`].map(String));
}
const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
for (const row of rows) console.log(row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join("  "));
console.log();
for (const { name, plan } of ready) if (plan !== undefined) console.log(`${name}: ${[...plan.choices.map(({ rule }) => rule), shapeText(plan)].join(", ")}`);
console.log(`\nratio: the median over rounds of a variant's time by the plain kernel's; to WGSL: from the graph, the median of ${LOWERINGS}; of bound: how near the\nworst element of ${(CHECKED * HEADS) / KV_HEADS} query heads came to the interpreter's bound`);
await device.close();

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
