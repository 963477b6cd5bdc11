/**
 * Times one decode step over a CQ-8c8b cache, 8 heads of 128 channels, on every backend that works here, beside loops in
 * plain JavaScript and, for gpu.js, a chain of six kernels written for it by hand:
 * `node scripts/build.mjs && node scripts/benchmark-decode.mjs [TOKENS…]`. Peers take turns, round by round; a ratio is the
 * middle of the rounds' ratios. Ratios in one run are worth something, milliseconds belong to the machine. Inputs other
 * than the query stay on the device.
 */
import { fileURLToPath } from "node:url";
import gpujs from "gpu.js";
import { compileFile } from "../dist/compiler.js";
import { KvernError, openDevice } from "../dist/runtime.js";

const [HEADS, CHANNELS, COUPLED, ENTRIES] = [8, 128, 8, 256];
const GROUPS = CHANNELS / COUPLED;
const [WARM, ROUNDS] = [3, 9];

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
  console.log(`\n${tokens} tokens           ms    × plain  × by hand  off by  first run`);
  for (const [name, options] of [["wgsl", { backend: "wgsl" }], ...["cpu", "webasm", "webgpu"].map((mode) => [`gpujs ${mode}`, { backend: "gpujs", mode }])]) {
    let device, gpu;
    try {
      device = await openDevice(options);
      const prepared = await device.prepare(program.kernels.attend);
      const shape = [tokens, HEADS, GROUPS];
      const shapes = { "keys.codes": [shape, keyCodes], "values.codes": [shape, valueCodes], "keys.book": [[HEADS, GROUPS, ENTRIES, COUPLED], keyBook], "values.book": [[HEADS, GROUPS, ENTRIES, COUPLED], valueBook] };
      const inputs = { q: { shape: [HEADS, CHANNELS], data: q } };
      for (const input of prepared.inputs) if (shapes[input.name] !== undefined) inputs[input.name] = await device.upload(input, { shape: shapes[input.name][0], data: shapes[input.name][1] });
      const run = () => prepared.run(inputs);
      if (options.mode !== undefined) gpu = new gpujs.GPU({ mode: options.mode });
      const byHand = gpu === undefined ? undefined : chain(gpu, tokens, q, keyCodes, keyBook, valueCodes, valueBook);
      if (byHand !== undefined) check(await byHand(), expected);
      const began = performance.now();
      const { out } = await run();
      const first = performance.now() - began;
      const off = check(out.data, expected);
      const rounds = [];
      for (let round = 0; round < WARM + ROUNDS; round++) {
        const times = [await timed(loops), await timed(run), byHand === undefined ? NaN : await timed(byHand)];
        if (round >= WARM) rounds.push(times);
      }
      const ratio = (to) => middle(rounds.map((times) => times[1] / times[to])).toFixed(2).padStart(8);
      console.log(`${name.padEnd(16)} ${middle(rounds.map((times) => times[1])).toFixed(2).padStart(8)} ${ratio(0)} ×${byHand === undefined ? "          " : `${ratio(2)} ×`}  ${off.toExponential(1)}  ${first.toFixed(0)} ms`);
    } catch (fault) {
      if (!(fault instanceof KvernError)) throw fault;
      console.log(`${name.padEnd(16)} ${fault.diagnostics.map(({ code, message }) => `${code}: ${message}`).join("; ")}`);
    } finally {
      await gpu?.destroy();
      await device?.close();
    }
  }
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

async function timed(action) {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

/** How far a result is off; what is far off is no peer. */
function check(got, expected) {
  const off = got.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at])), 0);
  if (!(off < 1e-3)) throw new Error(`a result is off by ${off}`);
  return off;
}

function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Six kernels as one would write them for gpu.js by hand: codes three to an f32, four channels to a thread, books and codes held. */
function chain(gpu, tokens, q, keyCodes, keyBook, valueCodes, valueBook) {
  const words = Math.ceil(GROUPS / 3);
  const packed = (codes) => {
    const row = new Float32Array(tokens * HEADS * words);
    codes.forEach((code, at) => (row[Math.floor(at / GROUPS) * words + Math.floor((at % GROUPS) / 3)] += code * 256 ** ((at % GROUPS) % 3)));
    return row;
  };
  const make = (source, threads) => gpu.createKernel(source, { output: [threads], constants: { tokens }, loopMaxIterations: tokens, precision: "single", tactic: "precision" });
  const table = make(`function (q, book) {
    const headGroup = Math.floor(this.thread.x / 256);
    let sum = 0;
    for (let c = 0; c < 8; c++) sum += q[headGroup * 8 + c] * book[this.thread.x * 8 + c];
    return sum * ${1 / Math.sqrt(CHANNELS)};
  }`, HEADS * GROUPS * ENTRIES);
  const scores = make(`function (table, codes) {
    const t = Math.floor(this.thread.x / 8);
    const base = (this.thread.x - 8 * t) * 4096;
    const at = this.thread.x * 6;
    let sum = 0;
    for (let w = 0; w < 5; w++) {
      const word = codes[at + w];
      const high = Math.floor(word * 0.00390625);
      const highest = Math.floor(word * 0.0000152587890625);
      const from = base + w * 768;
      sum += table[from + word - 256 * high] + table[from + 256 + high - 256 * highest] + table[from + 512 + highest];
    }
    const last = codes[at + 5];
    return sum + table[base + 3840 + last];
  }`, tokens * HEADS);
  const peak = make("function (scores) { let peak = -3.4e38; for (let t = 0; t < this.constants.tokens; t++) { peak = Math.max(peak, scores[t * 8 + this.thread.x]); } return peak; }", HEADS);
  const weights = make("function (scores, peaks) { const h = this.thread.x - 8 * Math.floor(this.thread.x / 8); return Math.exp(scores[this.thread.x] - peaks[h]); }", tokens * HEADS);
  const total = make("function (weights) { let sum = 0; for (let t = 0; t < this.constants.tokens; t++) { sum += weights[t * 8 + this.thread.x]; } return sum; }", HEADS);
  const values = make(`function (weights, totals, codes, book) {
    const h = Math.floor(this.thread.x / 32);
    const rest = this.thread.x - 32 * h;
    const g = Math.floor(rest / 2);
    const base = (h * 16 + g) * 2048 + (rest - 2 * g) * 4;
    const w = Math.floor(g / 3);
    const place = g - 3 * w;
    const low = place == 0 ? 1.0 : (place == 1 ? 0.00390625 : 0.0000152587890625);
    const high = low * 0.00390625;
    let a = 0; let b = 0; let c = 0; let d = 0;
    for (let t = 0; t < this.constants.tokens; t++) {
      const weight = weights[t * 8 + h];
      const word = codes[(t * 8 + h) * 6 + w];
      const at = base + 8 * (Math.floor(word * low) - 256 * Math.floor(word * high));
      a += weight * book[at]; b += weight * book[at + 1]; c += weight * book[at + 2]; d += weight * book[at + 3];
    }
    const sum = totals[h];
    return [a / sum, b / sum, c / sum, d / sum];
  }`, (HEADS * CHANNELS) / 4);
  const [keys, held] = [packed(keyCodes), packed(valueCodes)];
  const pipeline = gpu.createPipeline(function (q) {
    const score = scores(table(q, keyBook), keys);
    const weight = weights(score, peak(score));
    return values(weight, total(weight), held, valueBook);
  });
  return async () => Float32Array.from((await pipeline(q)).flatMap((part) => [...part]));
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
