import { describe, expect, it } from "vitest";
import * as attention from "../../examples/attention";
import * as decode from "../../examples/decode";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import { bindSizes, type Sizes } from "../../spec/tensor";
import { describeOnDevice } from "../device/harness";
import { compiledFile, heldOnDevice, interpretedAndEvaluated, type Bounded, type Tensors } from "./agree";
import * as formats from "./formats";
import { inputsFor, type Contents } from "./inputs";
import * as library from "./library";

/** A kernel at given sizes, on reals of a given size. */
interface Trial {
  readonly file: File;
  readonly kernel: string;
  readonly sizes: Sizes;
  readonly scale: number;
  readonly contents: Contents;
}

interface File {
  readonly kernels: Readonly<Record<string, unknown>>;
  readonly graphs: () => Promise<Readonly<Record<string, SerialisedGraph>>>;
}

const file = (kernels: Readonly<Record<string, unknown>>, place: string): File => {
  let graphs: Promise<Readonly<Record<string, SerialisedGraph>>> | undefined;
  return { kernels, graphs: () => (graphs ??= compiledFile(new URL(place, import.meta.url))) };
};

const files = {
  library: file(library, "library.ts"), formats: file(formats, "formats.ts"),
  attention: file(attention, "../../examples/attention.ts"), decode: file(decode, "../../examples/decode.ts"),
};

const trial = (of: keyof typeof files, kernel: string, sizes: Sizes, scale = 1, contents: Contents = {}): Trial => ({ file: files[of], kernel, sizes, scale, contents });

/** Nothing, one, an odd number, and the sizes around a tile. */
const LENGTHS = [0, 1, 5, 63, 64, 65];
/** Logits of size 1, and logits at which no exponential can be taken without its reference. */
const SCALES = [1, 800];

const rows = LENGTHS.flatMap((channel) => [0, 3].map((row) => ({ row, channel })));
const positive = rows.filter(({ channel }) => channel > 0);
/** Cosines and sines; scores stay as large as the vectors make them. */
const turns: Contents = { cos: (at) => Math.fround(Math.cos(at)), sin: (at) => Math.fround(Math.sin(at)) };
/** Lengths from before the first token to beyond the last, and biases that mask half of the tokens, or all of a query's. */
const masking: Contents = { length: (at) => [-1, 0, 1, 3, 1000][at % 5] ?? 0, bias: (at, random) => (at % 7 < 2 || random() < 0.4 ? -Infinity : Math.fround(random())) };
/** A scale per block that is sometimes 0, as where a block holds one number throughout. */
const spacing: Contents = { scale: (at) => (at % 5 === 0 ? 0 : 0.125 * (1 + (at % 3))) };

const coupledSizes = (channel: number, couple: number): Sizes => ({ channel, [`channel/${couple}`]: channel / couple });
const blockSizes = (token: number, channel: number): Sizes => ({ "token/4": Math.ceil(token / 4), "channel/4": Math.ceil(channel / 4), token, channel });

const trials: readonly Trial[] = [
  ...rows.flatMap((sizes) => [0.1, 1, 30].map((scale) => trial("library", "activations", sizes, scale))),
  ...positive.flatMap((sizes) => [1, 100].map((scale) => trial("library", "norms", sizes, scale))),
  ...positive.flatMap((sizes) => SCALES.map((scale) => trial("library", "weights", sizes, scale))),
  ...rows.map((sizes) => trial("library", "products", { ...sizes, out: 3 })),
  ...positive.map((sizes) => trial("library", "normThenLinear", { ...sizes, out: 3 })),
  ...positive.flatMap((sizes) => [1, 100].map((scale) => trial("library", "centredThenLinear", { ...sizes, out: 4 }, scale))),
  ...[2, 6, 64, 66].map((channel) => trial("library", "rotations", { row: 3, channel, half: channel / 2 }, 1, turns)),
  ...LENGTHS.flatMap((token) => SCALES.map((scale) => trial("library", "masks", { query: 7, token }, scale, masking))),
  ...[1, 6, 8].map((head) => trial("library", "slopes", { head, query: 3, token: 5 })),
  ...rows.map((sizes) => trial("library", "reductions", sizes)),
  ...LENGTHS.flatMap((token) => [1, 30].map((scale) => trial("library", "attention", { query: 5, token, channel: 8 }, scale))),

  ...LENGTHS.map((token) => trial("formats", "readHalves", { token, kvHead: 2, channel: 5 })),
  ...LENGTHS.map((token) => trial("formats", "attendHalves", { token, kvHead: 2, head: 4, channel: 5 })),
  ...LENGTHS.map((token) => trial("formats", "attendIntoHalves", { token, kvHead: 2, head: 4, channel: 5 })),
  ...LENGTHS.flatMap((token) => ["readCoupled", "codeCoupled"].map((name) => trial("formats", name, { token, kvHead: 2, ...coupledSizes(8, 4) }))),
  ...LENGTHS.map((token) => trial("formats", "attendCoupled", { token, kvHead: 2, head: 6, ...coupledSizes(8, 4) })),
  ...LENGTHS.flatMap((token) => ["readPerChannel", "codePerChannel", "readPerToken", "codePerToken"].map((name) => trial("formats", name, { kvHead: 2, ...blockSizes(token, 6) }, 1, spacing))),
  ...LENGTHS.flatMap((token) => ["scalePerChannel", "scalePerToken"].map((name) => trial("formats", name, { kvHead: 2, ...blockSizes(token, 6) }))),
  ...LENGTHS.map((token) => trial("formats", "attendUniform", { kvHead: 2, head: 4, ...blockSizes(token, 8) }, 1, spacing)),

  ...LENGTHS.filter((token) => token > 0).flatMap((token) => [
    trial("attention", "decodeExact", { token, head: 4, kvHead: 2, channel: 16, half: 8 }, 1, turns),
    trial("attention", "prefillExact", { query: Math.min(3, token), token, head: 4, kvHead: 2, channel: 16, half: 8 }, 1, turns),
    ...[2, 4, 8].flatMap((couple) => {
      const sizes = { token, kvHead: 2, ...coupledSizes(16, couple) };
      return [
        trial("attention", `encode${couple}c8b`, sizes),
        trial("attention", `decode${couple}c8b`, { ...sizes, head: 4, half: 8 }, 1, turns),
        trial("attention", `prefill${couple}c8b`, { ...sizes, query: 1, head: 4, half: 8 }, 1, turns),
      ];
    }),
  ]),
  ...LENGTHS.flatMap((token) => [1, 8].map((scale) => trial("decode", "attend", { token, head: 4, kvHead: 2, ...coupledSizes(16, 8) }, scale))),
];

interface Ready {
  readonly saved: SerialisedGraph;
  readonly inputs: Tensors;
  readonly set: Sizes;
  readonly sizes: Sizes;
  readonly expected: Bounded;
}

async function ready({ file: from, kernel, sizes, scale, contents }: Trial, at: number): Promise<Ready> {
  const saved = (await from.graphs())[kernel];
  if (saved === undefined) throw new Error(`there is no kernel ${kernel}`);
  const { graph } = loadGraph(saved);
  const declared = Object.fromEntries(graph.axes.flatMap(({ name, extent }) => (extent === undefined ? [] : [[name, extent]])));
  const inputs = inputsFor(graph, { ...declared, ...sizes }, at + 1, scale, contents);
  const bound = new Set(graph.inputs.flatMap((tensor) => tensor.axes));
  const set = Object.fromEntries(Object.entries(sizes).filter(([name]) => !bound.has(name) && graph.axes.some((axis) => axis.name === name)));
  const expected = interpretedAndEvaluated(from.kernels[kernel], saved, inputs, set);
  return { saved, inputs, set, sizes: bindSizes(graph, inputs, set), expected };
}

const names = trials.map((of, at) => [`${of.kernel} at ${Object.entries(of.sizes).map(([name, size]) => `${name} ${size}`).join(", ")}, reals of size ${of.scale}`, of, at] as const);

/** Kernels may promise nothing of an element, but none of these may promise little. */
const total = { elements: 0, unbounded: 0, undecided: 0 };

describe("evaluated and interpreted", () => {
  it("covers every kernel", () => {
    const tried = new Set(trials.map((of) => of.file.kernels[of.kernel]));
    for (const { kernels } of Object.values(files)) {
      // What makes kernels is a function, and none itself.
      for (const [name, kernel] of Object.entries(kernels)) if (typeof kernel === "object") expect(tried.has(kernel), name).toBe(true);
    }
  });
});

describeOnDevice("evaluated, interpreted and on the device", () => {
  it.each(names)("%s", async (_, of, at) => {
    const { saved, inputs, set, sizes, expected } = await ready(of, at);
    const { elements, unbounded, undecided } = await heldOnDevice(saved, inputs, set, sizes, expected);
    total.elements += elements;
    total.unbounded += unbounded;
    total.undecided += undecided;
  });

  it("compared nearly every element, of which few span a jump", () => {
    expect(total.elements).toBeGreaterThan(100_000);
    expect(total.unbounded).toBeLessThan(total.elements / 1000);
    expect(total.undecided).toBeLessThan(total.elements / 100);
  });
});
