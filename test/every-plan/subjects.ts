/** @file What every plan is tried on: the library, the formats, the examples, the golden programs, each with one axis of any length. */

import { compiledFile } from "../agreement/agree";
import type { Contents } from "../agreement/inputs";
import { loadGraph, type SerialisedGraph } from "../../spec/graph/json";
import type { Graph } from "../../spec/graph/node";
import type { Sizes } from "../../spec/tensor";
import { graphsOf } from "../golden/row";

export interface Subject {
  readonly name: string;
  readonly graph: () => Promise<Graph>;
  /** Sizes that follow from the length. */
  readonly sizes: (length: number) => Sizes;
  /** Axes whose sizes stay open: the length, and what follows from it. */
  readonly open: readonly string[];
  readonly contents: Contents;
}

const files = new Map<string, Promise<Readonly<Record<string, SerialisedGraph>>>>();

async function graphIn(place: string, kernel: string): Promise<Graph> {
  const graphs = place.startsWith("../") || place.startsWith("./") ? (files.get(place) ?? compiledFile(new URL(place, import.meta.url))) : graphsOf(place);
  files.set(place, graphs);
  const saved = (await graphs)[kernel];
  if (saved === undefined) throw new Error(`${place} has no kernel ${kernel}`);
  return loadGraph(saved).graph;
}

/** Cosines and sines; lengths before, inside and beyond an axis; masks of most and of none; spacings, of which some are 0. */
const contents: Contents = {
  cos: (at) => Math.fround(Math.cos(at)), sin: (at) => Math.fround(Math.sin(at)),
  length: (at) => [3, -1, 0, 1, 1000][at % 5] ?? 0, bias: (at, random) => (at % 7 < 2 || random() < 0.4 ? -Infinity : Math.fround(random())),
  "keys.scale": (at) => (at % 5 === 0 ? 0 : 0.125 * (1 + (at % 3))), "values.scale": (at) => (at % 5 === 0 ? 0 : 0.125 * (1 + (at % 3))),
};

const subject = (place: string, kernel: string, axis: string, sizes: (length: number) => Sizes, more: readonly string[] = []): Subject => ({
  name: `${place.split("/").at(-1) ?? place} ${kernel}`, graph: () => graphIn(place, kernel), sizes: (length) => ({ [axis]: length, ...sizes(length) }), open: [axis, ...more], contents,
});

const library = "../agreement/library.ts", formats = "../agreement/formats.ts", examples = "../../examples/attention.ts", decode = "../../examples/decode.ts";
const heads = { head: 4, kvHead: 2 };
const coupled = (channel: number, couple: number): Sizes => ({ ...heads, channel, [`channel/${couple}`]: channel / couple, half: channel / 2 });

/** Two codes for each token. */
const nearest = (couple: number): Sizes => ({ kvHead: 1, channel: 2 * couple, [`channel/${couple}`]: 2 });

export const SUBJECTS: readonly Subject[] = [
  ...["norms", "weights", "products", "normThenLinear", "reductions"].map((kernel) => subject(library, kernel, "channel", () => ({ row: 3, out: 3 }))),
  subject(library, "centredThenLinear", "channel", () => ({ row: 3, out: 8 })),
  subject(library, "masks", "token", () => ({ query: 5 })),
  subject(library, "attention", "token", () => ({ query: 5, channel: 8 })),
  ...["attendHalves", "attendIntoHalves"].map((kernel) => subject(formats, kernel, "token", () => ({ ...heads, channel: 8 }))),
  subject(formats, "attendCoupled", "token", () => coupled(8, 4)),
  subject(formats, "attendUniform", "token", (token) => ({ ...heads, channel: 8, "channel/4": 2, "token/4": Math.ceil(token / 4) }), ["token/4"]),
  subject(examples, "decodeExact", "token", () => ({ ...heads, channel: 8, half: 4 })),
  subject(examples, "prefillExact", "token", () => ({ ...heads, channel: 8, half: 4, query: 1 })),
  ...[2, 4, 8].flatMap((couple) => [
    subject(examples, `decode${couple}c8b`, "token", () => coupled(16, couple)),
    subject(examples, `prefill${couple}c8b`, "token", () => ({ ...coupled(16, couple), query: 1 })),
  ]),
  subject(decode, "attend", "token", () => coupled(16, 8)),
  subject("attention", "decode", "token", () => ({ ...heads, channel: 8 })),
  subject("coupled-cache", "positionFree", "token", () => coupled(16, 8)),
  ...["halfSplit", "interleaved"].map((kernel) => subject("coupled-cache", kernel, "token", () => coupled(16, 4))),
  ...["causally", "windowed", "prefixed", "blocks", "fromData", "biased"].map((kernel) => subject("masks", kernel, "token", () => ({ query: 5, channel: 8 }))),
  ...["totalBeside", "sinks", "capped", "sloped", "squared"].map((kernel) => subject("scores", kernel, "token", () => ({ ...heads, channel: 8 }))),
  ...["rms", "layer"].map((kernel) => subject("norms", kernel, "channel", () => ({ output: 8 }))),
  ...["loss", "best"].map((kernel) => subject("norms", kernel, "token", () => ({ row: 3 }))),
  ...["minP", "bell"].map((kernel) => subject("refused", kernel, "token", () => ({ row: 3, channel: 4 }))),
  ...["residuals", "signs", "levels"].map((kernel) => subject("formats", kernel, "token", () => ({ ...heads, channel: 128 }))),
  subject("formats", "integers", "token", (token) => ({ ...heads, channel: 32, "channel/32": 1, "token/32": Math.ceil(token / 32) }), ["token/32"]),
  // Nearest of 256 vectors for each code: most of the time goes here.
  subject(formats, "codeCoupled", "token", () => nearest(4)),
  ...[2, 4, 8].map((couple) => subject(examples, `encode${couple}c8b`, "token", () => nearest(couple))),
  subject("encode", "encode", "token", () => nearest(8)),
];
