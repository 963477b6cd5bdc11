/**
 * @file What a file of learned codebooks says of itself, and parts of a model's layers joined to a whole. The metadata
 * (see spec/formats.md) says all that the codebooks depend on, so parts fit together exactly where it agrees.
 */

import type { TensorFile, WritableTensor } from "kvern/runtime";
import { refuse } from "../../spec/diagnostics/diagnostic";
import type { LayerRange } from "./calibration";
import { bookTensors, type LayerCodebooks } from "./codebooks";

/** What codebooks were learned from and how. */
export interface Provenance {
  /** `CQ-8c8b`. */
  readonly format: string;
  readonly weights: "uniform" | "fisher";
  readonly seed: number;
  readonly iterations: number;
  /** Vectors of each layer. */
  readonly tokens: number;
  /** SHA-256 of the model's configuration and weights, and of the token ids it read. */
  readonly model: string;
  readonly text: string;
  /** Layers of the model. */
  readonly layers: number;
}

/** A file's metadata, for the layers of a range. */
export function metadataOf({ layers, ...provenance }: Provenance, { from, to }: LayerRange): Readonly<Record<string, string>> {
  return {
    ...Object.fromEntries(Object.entries(provenance).map(([name, value]) => [name, String(value)])),
    keys: "before rotation",
    layers: `${from}..${to} of ${layers}`,
  };
}

/** A file that holds some layers of a model's codebooks. */
export interface Part {
  readonly file: string;
  readonly content: TensorFile;
}

/** Tensors and metadata of a file. */
export interface Whole {
  readonly tensors: Readonly<Record<string, WritableTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Joins parts, in any order, to the file that one calibration of all layers writes.
 * @throws KvernError KV6022 where a part is none, parts were learned differently, or a layer is missing or there twice
 */
export function mergeParts(parts: readonly Part[]): Whole {
  const read = parts.map((part) => ({ ...part, ...rangeOf(part) })).sort((a, b) => a.from - b.from);
  const [first] = read;
  if (first === undefined) return refuse({ code: "KV6022", message: "there are no parts to join" });
  let next = 0;
  for (const { file, content, from, to, layers } of read) {
    requireAlike(first.file, first.content.metadata, file, content.metadata);
    if (from !== next || layers !== first.layers) {
      refuse({ code: "KV6022", file, message: from < next ? `layer ${from} is in two parts` : `no part holds layer ${next}`, expected: `the layers from ${next} on`, got: `layers ${from} to ${to} of ${layers}` });
    }
    next = to + 1;
  }
  if (next !== first.layers) refuse({ code: "KV6022", message: `no part holds layer ${next}`, expected: `all ${first.layers} layers`, got: `layers 0 to ${next - 1}` });
  const books: (readonly [number, LayerCodebooks])[] = [];
  for (const { file, content, from, to } of read) {
    // One by one: a part may claim any layers, and the first that it does not hold is named.
    for (let at = from; at <= to; at++) books.push([at, { keys: bookOf(file, content, `layers.${at}.keys`), values: bookOf(file, content, `layers.${at}.values`) }]);
  }
  return { tensors: bookTensors(books), metadata: { ...first.content.metadata, layers: `0..${next - 1} of ${next}` } };
}

function bookOf(file: string, { tensors }: TensorFile, name: string): LayerCodebooks["keys"] {
  const { dtype, shape, data } = tensors[name] ?? refuse({ code: "KV6022", file, message: `there is no tensor ${name}, though the part is said to hold it` });
  if (dtype === "F16" && data instanceof Float32Array && shape.length === 4) return { shape, data };
  return refuse({ code: "KV6022", file, message: `the tensor ${name} is not a codebook`, expected: "F16 with four axes", got: `${dtype} with ${shape.length}` });
}

function rangeOf({ file, content: { metadata } }: Part): LayerRange & { readonly layers: number } {
  const found = /^(\d+)\.\.(\d+) of (\d+)$/.exec(metadata["layers"] ?? "");
  const [from = NaN, to = NaN, layers = NaN] = found?.slice(1).map(Number) ?? [];
  if (from <= to && to < layers && Number.isSafeInteger(layers)) return { from, to, layers };
  return refuse({ code: "KV6022", file, message: "the file does not say which layers it holds", expected: "the metadata `layers`, such as 0..3 of 22, as kvern calibrate writes it", got: metadata["layers"] ?? "none" });
}

function requireAlike(oneFile: string, one: Readonly<Record<string, string>>, file: string, other: Readonly<Record<string, string>>): void {
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (name === "layers" || one[name] === other[name]) continue;
    refuse({ code: "KV6022", file, message: `the part was learned with another ${name} than ${oneFile}`, expected: one[name] ?? "none", got: other[name] ?? "none" });
  }
}
