/**
 * Times one decode step over a CQ-8c8b cache, 8 heads of 128 channels, on every backend that works here, beside loops in
 * plain JavaScript: `node scripts/build.mjs && node scripts/benchmark-decode.mjs [TOKENS…]`. Ratios in one run are worth
 * something; milliseconds belong to the machine. Inputs other than the query stay on the device.
 */
import { fileURLToPath } from "node:url";
import { compileFile } from "../dist/compiler.js";
import { KvernError, openDevice } from "../dist/runtime.js";

const [HEADS, CHANNELS, COUPLED, ENTRIES] = [8, 128, 8, 256];
const GROUPS = CHANNELS / COUPLED;
const ROUNDS = 7;

const program = await compileFile(fileURLToPath(new URL("../examples/decode.ts", import.meta.url)));
async function compare(tokens) {
  const random = seeded(tokens);
  const row = (count, of) => Float32Array.from({ length: count }, of);
  const codes = () => Uint8Array.from({ length: tokens * HEADS * GROUPS }, () => Math.floor(random() * ENTRIES));
  // Books are stored as f16, which holds these exactly.
  const book = () => row(HEADS * GROUPS * ENTRIES * COUPLED, () => Math.floor(random() * 2048) / 1024 - 1);
  const [q, keyCodes, keyBook, valueCodes, valueBook] = [row(HEADS * CHANNELS, () => random() * 2 - 1), codes(), book(), codes(), book()];
  const loops = () => plain(tokens, q, keyCodes, keyBook, valueCodes, valueBook);
  const expected = loops();
  const base = await median(loops);
  console.log(`\n${tokens} tokens\n${line("plain JavaScript", base, base, 0)}`);
  for (const [name, options] of [["wgsl", { backend: "wgsl" }], ...["cpu", "webasm", "webgpu"].map((mode) => [`gpujs ${mode}`, { backend: "gpujs", mode }])]) {
    let device;
    try {
      device = await openDevice(options);
      const prepared = await device.prepare(program.kernels.attend, { set: { token: tokens } });
      const shape = [tokens, HEADS, GROUPS];
      const shapes = { "keys.codes": [shape, keyCodes], "values.codes": [shape, valueCodes], "keys.book": [[HEADS, GROUPS, ENTRIES, COUPLED], keyBook], "values.book": [[HEADS, GROUPS, ENTRIES, COUPLED], valueBook] };
      const inputs = { q: { shape: [HEADS, CHANNELS], data: q } };
      for (const input of prepared.inputs) if (shapes[input.name] !== undefined) inputs[input.name] = await device.upload(input, { shape: shapes[input.name][0], data: shapes[input.name][1] });
      const began = performance.now();
      const { out } = await prepared.run(inputs);
      const first = performance.now() - began;
      const off = out.data.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0);
      console.log(`${line(name, await median(() => prepared.run(inputs)), base, off)}  first run ${first.toFixed(0)} ms  ${device.describe().replace(/; .*/, "")}`);
    } catch (fault) {
      if (!(fault instanceof KvernError)) throw fault;
      console.log(`${name.padEnd(18)} ${fault.diagnostics.map(({ code, message }) => `${code}: ${message}`).join("; ")}`);
    } finally {
      await device?.close();
    }
  }
}

const line = (name, ms, base, off) => `${name.padEnd(18)} ${ms.toFixed(2).padStart(9)} ms  ${(ms / base).toFixed(2).padStart(7)} ×  off by ${off.toExponential(1)}`;

/** The middle of several times, in ms. */
async function median(action) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    await action();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1];
}

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Loops as one would write them by hand: scores from a table of each codebook entry's product, values from a histogram of weights. */
function plain(tokens, q, keyCodes, keyBook, valueCodes, valueBook) {
  const out = new Float32Array(HEADS * CHANNELS);
  const scores = new Float64Array(tokens);
  const table = new Float64Array(GROUPS * ENTRIES);
  const scale = 1 / Math.sqrt(CHANNELS);
  for (let h = 0; h < HEADS; h++) {
    for (let entry = 0; entry < GROUPS * ENTRIES; entry++) {
      const [from, group] = [(h * GROUPS * ENTRIES + entry) * COUPLED, Math.floor(entry / ENTRIES)];
      let product = 0;
      for (let c = 0; c < COUPLED; c++) product += q[h * CHANNELS + group * COUPLED + c] * keyBook[from + c];
      table[entry] = product * scale;
    }
    let peak = -Infinity;
    for (let t = 0; t < tokens; t++) {
      let score = 0;
      for (let g = 0, at = (t * HEADS + h) * GROUPS; g < GROUPS; g++) score += table[g * ENTRIES + keyCodes[at + g]];
      scores[t] = score;
      if (score > peak) peak = score;
    }
    let total = 0;
    table.fill(0);
    for (let t = 0; t < tokens; t++) {
      const weight = Math.exp(scores[t] - peak);
      total += weight;
      for (let g = 0, at = (t * HEADS + h) * GROUPS; g < GROUPS; g++) table[g * ENTRIES + valueCodes[at + g]] += weight;
    }
    for (let g = 0; g < GROUPS; g++) {
      for (let c = 0; c < COUPLED; c++) {
        let value = 0;
        for (let entry = 0; entry < ENTRIES; entry++) value += table[g * ENTRIES + entry] * valueBook[((h * GROUPS + g) * ENTRIES + entry) * COUPLED + c];
        out[h * CHANNELS + g * COUPLED + c] = value / total;
      }
    }
  }
  return out;
}

const lengths = process.argv.slice(2).map(Number);
for (const tokens of lengths.length > 0 ? lengths : [1024, 4096, 16384]) await compare(tokens);
