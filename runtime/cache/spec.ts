/** @file What a cache holds: its layers, how their keys and values are stored, and what stays in full precision. */

import { KvernError, refuse, type Diagnostic } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
import { checkElements } from "../../spec/tensor/check";
import type { Element } from "../../spec/graph/node";
import { isNumbers, isSize, shapeText, type TensorData } from "../../spec/tensor/tensor";

/** Codes of coupled quantization, as `coupled` of `kvern/formats` reads them. */
export interface CodedFormat {
  /** Channels that share a code, 1 to 16; it divides the channels of a head. */
  readonly couple: number;
  /** Bits of a code, 1 to 16. */
  readonly bits: number;
  /** The centroids, [head, channels / couple, 2^bits, couple]; stored as f16. */
  readonly book: TensorData;
}

/** Numbers as they are. */
export interface PlainFormat {
  readonly element: "f32" | "f16";
}

/** How the tokens that have left the window are stored. */
export type CacheFormat = CodedFormat | PlainFormat;

export interface CacheLayerSpec {
  readonly keys: CacheFormat;
  readonly values: CacheFormat;
}

export interface CacheSpec {
  /** Key and value heads. */
  readonly heads: number;
  /** Channels of a head. */
  readonly channels: number;
  /** One for each layer; formats are independent of each other. */
  readonly layers: readonly CacheLayerSpec[];
  /** How many of the most recent tokens stay in f32: they are stored in the format as they leave this window. Default 0. */
  readonly window?: number;
  /** How many of the first tokens stay in f32 for good. Default 0. */
  readonly sinks?: number;
  /** Sequences, each of a length of its own. Default 1. */
  readonly batch?: number;
}

/** A specification that has been checked, with its defaults. */
export type CheckedSpec = Required<CacheSpec>;

export const SIDES = ["keys", "values"] as const;
export type Side = (typeof SIDES)[number];

/** The parts of a sequence, in the order of its tokens. */
export const PARTS = ["sinks", "coded", "tail"] as const;
export type Part = (typeof PARTS)[number];

/** How many tokens a sequence has in a layer, by part. */
export type CachedTokens = Readonly<Record<Part, number>>;

/** What a saved cache held: the tokens of each layer and sequence, and their strips. */
export interface CacheContents {
  readonly tokens: (layer: number, sequence: number) => CachedTokens;
  readonly strips: (layer: number, sequence: number, side: Side, part: Part) => TensorData;
}

export const isCoupled = (format: CacheFormat): format is CodedFormat => "book" in format;

/** The element type of stored tokens. */
export const storedElement = (format: CacheFormat): Element => (isCoupled(format) ? { kind: "uint", bits: format.bits } : { kind: format.element });

/** The sizes of a stored token. */
export const storedSizes = ({ heads, channels }: CacheSpec, format: CacheFormat): readonly number[] => [heads, isCoupled(format) ? channels / format.couple : channels];

/** Layers, heads, channels and sequences beyond this are a mistake, not a model. */
const MOST = 65_536;

/** @throws KvernError KV6101 with every fault of the specification */
export function checkSpec(spec: CacheSpec): CheckedSpec {
  const faults: Diagnostic[] = [];
  const fault = (message: string, expected: string, got: string): void => void faults.push({ code: "KV6101", message, expected, got });
  const count = (name: string, value: unknown, least: number): void => {
    if (!isSize(value) || value < least || value > MOST) fault(`a cache cannot have that many ${name}`, `a whole number from ${least} to ${MOST}`, shown(value));
  };
  if (!isRecord(spec)) return refuse({ code: "KV6101", message: "this specifies no cache", expected: "{ heads, channels, layers }", got: shown(spec) });
  const { heads, channels, layers, window = 0, sinks = 0, batch = 1 } = spec;
  count("heads", heads, 1);
  count("channels", channels, 1);
  count("sequences", batch, 1);
  count("tokens in its window", window, 0);
  count("tokens as sinks", sinks, 0);
  if (!Array.isArray(layers) || layers.length === 0) fault("a cache needs the formats of its layers", "a list of { keys, values }", Array.isArray(layers) ? "an empty list" : typeof layers);
  else if (isSize(heads) && isSize(channels)) layers.forEach((layer: Partial<CacheLayerSpec> | undefined, at) => {
    for (const side of SIDES) checkFormat(`the ${side} of layer ${at}`, layer?.[side], spec, faults);
  });
  const [first, ...rest] = faults;
  if (first !== undefined) throw new KvernError([first, ...rest]);
  return { heads, channels, layers, window, sinks, batch };
}

function checkFormat(what: string, format: unknown, { heads, channels }: CacheSpec, faults: Diagnostic[]): void {
  const fault = (message: string, expected: string, got: string): void => void faults.push({ code: "KV6101", message: `${what}: ${message}`, expected, got });
  if (!isRecord(format) || "element" in format === "book" in format) {
    fault("this is no format", "{ couple, bits, book }, or { element }", isRecord(format) ? `{ ${Object.keys(format).join(", ")} }` : shown(format));
    return;
  }
  const { element, couple, bits, book } = format;
  if ("element" in format) {
    if (element !== "f32" && element !== "f16") fault("numbers are not stored in that type", "f32 or f16", shown(element));
    else if (element === "f16" && (heads * channels) % 2 !== 0) fault("the f16 of a token do not fill whole words", "an even number of heads · channels", String(heads * channels));
    return;
  }
  if (!isSize(couple) || couple < 1 || couple > 16 || channels % couple !== 0) fault("that many channels cannot share a code", `a whole number from 1 to 16 that divides ${channels}`, shown(couple));
  else if (!isSize(bits) || bits < 1 || bits > 16) fault("codes cannot have that many bits", "a whole number from 1 to 16", shown(bits));
  else if (!isRecord(book)) fault("there is no codebook", "{ shape, data }", shown(book));
  else {
    const { shape, data } = book;
    const sizes: readonly unknown[] = Array.isArray(shape) ? shape : [];
    const expected = [heads, channels / couple, 2 ** bits, couple];
    if (sizes.length !== expected.length || expected.some((size, at) => sizes[at] !== size)) fault("the codebook has another shape", `[head, group, centroid, channel] = ${shapeText(expected)}`, shown(shape));
    else if (!isNumbers(data)) fault("the codebook has no numbers", "an array of numbers", shown(data));
    else checkBook(what, { shape: expected, data }, faults);
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;

function checkBook(what: string, book: TensorData, faults: Diagnostic[]): void {
  try {
    checkElements({ name: "book", element: { kind: "f16" }, axes: ["head", "group", "centroid", "channel"] }, book, false);
  } catch (thrown) {
    if (!(thrown instanceof KvernError)) throw thrown;
    for (const diagnostic of thrown.diagnostics) faults.push({ ...diagnostic, message: `${what}: ${diagnostic.message}` });
  }
}
