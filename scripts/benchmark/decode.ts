/**
 * @file One decode step over a CQ-8c8b cache, 8 heads of 128 channels, timed on several backends in one place, be it Node
 * or a page: beside loops in plain JavaScript and, for gpu.js, a chain of six kernels written for it by hand. Peers take
 * turns, round by round; a ratio is the middle of the rounds' ratios. Inputs other than the query stay on the device.
 */

import { openDevice, type Device, type DeviceTensor, type TensorData } from "../../runtime/index";
import { lowerScript } from "../../compiler/lower-gpujs";
import { loadGpuJs, type CompiledKernel, type GpuJs, type GpuJsMode } from "../../runtime/gpujs/library";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { loadGraph } from "../../spec/graph/json";
import { checkMode, middle, timed } from "./timing";

/** WGSL, or a mode of gpu.js. */
export type Backend = "wgsl" | GpuJsMode;

export interface Row {
  readonly backend: Backend;
  /** Milliseconds of a step: the middle of the rounds. */
  readonly time: number;
  /** The step's time divided by that of another: loops in plain JavaScript; the chain written by hand; WGSL in this place. */
  readonly toPlain: number;
  readonly toHand: number | undefined;
  readonly toWgsl: number | undefined;
  /** The largest difference from the plain loops. */
  readonly off: number;
  /** Milliseconds of the first step, with compiling. */
  readonly first: number;
}

/** A backend that does not work here, and why. */
export interface Absent {
  readonly backend: Backend;
  readonly why: string;
}

export type Result = Row | Absent;

export interface Asked {
  readonly graph: unknown;
  readonly tokens: number;
  readonly backends: readonly Backend[];
}

const [HEADS, CHANNELS, COUPLED, ENTRIES] = [8, 128, 8, 256] as const;
const GROUPS = CHANNELS / COUPLED;
const [WARM, ROUNDS] = [3, 9] as const;

type Step = () => Promise<ArrayLike<number>>;

interface Inputs {
  readonly tokens: number;
  readonly q: Float32Array;
  readonly keyCodes: Uint8Array;
  readonly keyBook: Float32Array;
  readonly valueCodes: Uint8Array;
  readonly valueBook: Float32Array;
}

interface Peer {
  readonly backend: Backend;
  readonly step: Step;
  readonly byHand: Step | undefined;
  readonly first: number;
  readonly off: number;
  readonly rounds: { readonly time: number; readonly hand: number }[];
}

/** Every backend asked for, in turns. */
export async function compare({ graph, tokens, backends }: Asked): Promise<readonly Result[]> {
  const inputs = drawn(tokens);
  const expected = plain(inputs);
  const close: (() => unknown)[] = [];
  const peers: Peer[] = [];
  const absent: Absent[] = [];
  try {
    for (const backend of backends) {
      try {
        const device = await openDevice(backend === "wgsl" ? { backend } : { backend: "gpujs", mode: backend });
        close.push(() => device.close());
        peers.push(await prepared(device, graph, backend, inputs, expected, close));
      } catch (fault) {
        if (!(fault instanceof KvernError)) throw fault;
        absent.push({ backend, why: fault.diagnostics.map(({ code, message }) => `${code}: ${message}`).join("; ") });
      }
    }
    const loops: number[] = [];
    for (let round = -WARM; round < ROUNDS; round++) {
      const loop = await timed(() => plain(inputs));
      if (round >= 0) loops.push(loop);
      for (const { step, byHand, rounds } of peers) {
        const time = await timed(step);
        const hand = byHand === undefined ? NaN : await timed(byHand);
        if (round >= 0) rounds.push({ time, hand });
      }
    }
    const wgsl = peers.find(({ backend }) => backend === "wgsl")?.rounds;
    const rows = peers.map(({ backend, byHand, rounds, first, off }): Row => {
      const to = (other: (round: number) => number): number => middle(rounds.map(({ time }, at) => time / other(at)));
      return {
        backend, first, off,
        time: middle(rounds.map(({ time }) => time)),
        toPlain: to((at) => loops[at] ?? NaN),
        toHand: byHand === undefined ? undefined : to((at) => rounds[at]?.hand ?? NaN),
        toWgsl: wgsl === undefined || backend === "wgsl" ? undefined : to((at) => wgsl[at]?.time ?? NaN),
      };
    });
    return backends.flatMap((backend) => [...rows, ...absent].filter((result) => result.backend === backend));
  } finally {
    for (const act of close.reverse()) await act();
  }
}

async function prepared(device: Device, graph: unknown, backend: Backend, inputs: Inputs, expected: Float32Array, close: (() => unknown)[]): Promise<Peer> {
  const kernel = await device.prepare(graph);
  const { tokens, q, keyCodes, keyBook, valueCodes, valueBook } = inputs;
  const [codes, book] = [[tokens, HEADS, GROUPS], [HEADS, GROUPS, ENTRIES, COUPLED]];
  const held = new Map<string, TensorData>([
    ["keys.codes", { shape: codes, data: keyCodes }], ["keys.book", { shape: book, data: keyBook }],
    ["values.codes", { shape: codes, data: valueCodes }], ["values.book", { shape: book, data: valueBook }],
  ]);
  const given: Record<string, TensorData | DeviceTensor> = { q: { shape: [HEADS, CHANNELS], data: q } };
  for (const input of kernel.inputs) {
    const tensor = held.get(input.name);
    if (tensor !== undefined) given[input.name] = await device.upload(input, tensor);
  }
  const step: Step = async () => (await kernel.run(given))["out"]?.data ?? [];
  let byHand: Step | undefined;
  if (backend !== "wgsl") {
    const gpu = new (await loadGpuJs(undefined)).GPU({ mode: backend });
    close.push(() => gpu.destroy());
    byHand = chain(gpu, backend, inputs);
    check(await byHand(), expected);
  }
  const began = performance.now();
  const out = await step();
  return { backend, step, byHand, first: performance.now() - began, off: check(out, expected), rounds: [] };
}

/** Kernels that the step is, compiled for so many tokens; by hand they are six. */
export function kernelsOf(graph: unknown, tokens: number): number {
  return lowerScript(loadGraph(graph).graph, { set: { token: tokens, head: HEADS, kvHead: HEADS, channel: CHANNELS, [`channel/${COUPLED}`]: GROUPS } }).steps.length;
}

/** How far a result is off; what is far off is no peer. */
function check(got: ArrayLike<number>, expected: Float32Array): number {
  const off = expected.reduce((most, value, at) => Math.max(most, Math.abs((got[at] ?? NaN) - value)), 0);
  if (!(off < 1e-3)) throw new Error(`a result is off by ${off}`);
  return off;
}

function drawn(tokens: number): Inputs {
  const random = seeded(tokens);
  const row = (count: number, of: () => number): Float32Array => Float32Array.from({ length: count }, of);
  const codes = (): Uint8Array => Uint8Array.from({ length: tokens * HEADS * GROUPS }, () => Math.floor(random() * ENTRIES));
  // Books are stored as f16, which holds these exactly.
  const book = (): Float32Array => row(HEADS * GROUPS * ENTRIES * COUPLED, () => Math.floor(random() * 2048) / 1024 - 1);
  return { tokens, q: row(HEADS * CHANNELS, () => random() * 2 - 1), keyCodes: codes(), keyBook: book(), valueCodes: codes(), valueBook: book() };
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Six kernels as one would write them for gpu.js by hand: codes three to an f32, four channels to a thread, books and codes held. */
function chain(gpu: GpuJs, mode: GpuJsMode, { tokens, q, keyCodes, keyBook, valueCodes, valueBook }: Inputs): Step {
  const words = Math.ceil(GROUPS / 3);
  const packed = (codes: Uint8Array): Float32Array => {
    const row = new Float32Array(tokens * HEADS * words);
    codes.forEach((code, at) => {
      const word = Math.floor(at / GROUPS) * words + Math.floor((at % GROUPS) / 3);
      row[word] = (row[word] ?? 0) + code * 256 ** ((at % GROUPS) % 3);
    });
    return row;
  };
  const make = (source: string, threads: number): CompiledKernel => {
    const settings = { output: [threads], constants: { tokens }, loopMaxIterations: tokens, precision: "single", tactic: "precision" } as const;
    return gpu.createKernel(source, settings);
  };
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
      sum += table[from + (word - 256 * high)] + table[from + 256 + (high - 256 * highest)] + table[from + 512 + highest];
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
  const pipeline = gpu.createPipeline((query) => {
    const score = scores(table(query, keyBook), keys);
    const weight = weights(score, peak(score));
    return { out: values(weight, total(weight), held, valueBook) };
  });
  return async () => {
    const { out = [] } = await pipeline(q);
    checkMode(pipeline, mode);
    return Float32Array.from([...out].flatMap((part) => (typeof part === "number" ? part : [...part])));
  };
}

/** Loops as one would write them by hand: scores from a table of each codebook entry's product, values from a histogram of weights. */
function plain({ tokens, q, keyCodes, keyBook, valueCodes, valueBook }: Inputs): Float32Array {
  const out = new Float32Array(HEADS * CHANNELS);
  const scores = new Float64Array(tokens);
  const table = new Float64Array(GROUPS * ENTRIES);
  const scale = 1 / Math.sqrt(CHANNELS);
  for (let h = 0; h < HEADS; h++) {
    for (let entry = 0; entry < GROUPS * ENTRIES; entry++) {
      const [from, group] = [(h * GROUPS * ENTRIES + entry) * COUPLED, Math.floor(entry / ENTRIES)];
      let product = 0;
      for (let c = 0; c < COUPLED; c++) product += (q[h * CHANNELS + group * COUPLED + c] as number) * (keyBook[from + c] as number);
      table[entry] = product * scale;
    }
    let peak = -Infinity;
    for (let t = 0; t < tokens; t++) {
      let score = 0;
      for (let g = 0, at = (t * HEADS + h) * GROUPS; g < GROUPS; g++) score += table[g * ENTRIES + (keyCodes[at + g] as number)] as number;
      scores[t] = score;
      if (score > peak) peak = score;
    }
    let total = 0;
    table.fill(0);
    for (let t = 0; t < tokens; t++) {
      const weight = Math.exp((scores[t] as number) - peak);
      total += weight;
      for (let g = 0, at = (t * HEADS + h) * GROUPS; g < GROUPS; g++) (table[g * ENTRIES + (valueCodes[at + g] as number)] as number) += weight;
    }
    for (let g = 0; g < GROUPS; g++) {
      for (let c = 0; c < COUPLED; c++) {
        let value = 0;
        for (let entry = 0; entry < ENTRIES; entry++) value += (table[g * ENTRIES + entry] as number) * (valueBook[((h * GROUPS + g) * ENTRIES + entry) * COUPLED + c] as number);
        out[h * CHANNELS + g * COUPLED + c] = value / total;
      }
    }
  }
  return out;
}
