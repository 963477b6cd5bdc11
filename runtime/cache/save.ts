/**
 * @file A cache as safetensors: every strip of tokens as its storage, the codebooks, and in the metadata what they are parts
 * of and a checksum over all of it.
 */

import { fromHalves, toHalves } from "../../spec/tensor/half";
import { toStorage } from "../../spec/tensor/storage";
import type { TensorData } from "../../spec/tensor/tensor";
import type { FileTensor, TensorFile } from "../safetensors/read";
import { bookName, checksumOf, FORMAT, FULL, stripName, VERSION, wordsOf, type Described } from "./file";
import { isCoupled, PARTS, SIDES, storedElement, type CacheContents, type CacheFormat, type CheckedSpec, type Side } from "./spec";

/** A cache ready to be written, by `writeSafetensors(tensors, { metadata })` or `writeSafetensorsFile`, or to be loaded at once. */
export type SavedCache = TensorFile;

export function saved(spec: CheckedSpec, { tokens, strips }: CacheContents): SavedCache {
  const tensors: Record<string, FileTensor> = {};
  spec.layers.forEach((formats, layer) => {
    for (const side of SIDES) {
      const format = formats[side];
      if (isCoupled(format)) tensors[bookName(layer, side)] = { shape: format.book.shape, data: fromHalves(toHalves(format.book.data)), dtype: "F16" };
      for (let sequence = 0; sequence < spec.batch; sequence++) {
        for (const part of PARTS) tensors[stripName(sequence, layer, side, part)] = stored(part === "coded" ? format : FULL, strips(layer, sequence, side, part));
      }
    }
  });
  const { heads, channels, window, sinks } = spec;
  const layers = spec.layers.map(({ keys, values }) => ({ keys: described(keys), values: described(values) }));
  const sequences = Array.from({ length: spec.batch }, (_, sequence) => layers.map((_layer, layer) => tokens(layer, sequence)));
  const cache = JSON.stringify({ heads, channels, window, sinks, layers, tokens: sequences } satisfies Described);
  return { tensors, metadata: { format: FORMAT, version: VERSION, cache, checksum: checksumOf(cache, tensors) } };
}

const described = (format: CacheFormat): Described["layers"][number][Side] => (isCoupled(format) ? { couple: format.couple, bits: format.bits } : { element: format.element });

/** Codes go packed, in the words in which they lie on a device: [token, head, word]. */
function stored(format: CacheFormat, { shape, data }: TensorData): FileTensor {
  const element = storedElement(format);
  if (element.kind !== "uint") return { shape, data: Float32Array.from(data), dtype: element.kind === "f16" ? "F16" : "F32" };
  const words = toStorage(element, { shape, data });
  const [tokens = 0, heads = 0] = shape;
  return { shape: [tokens, heads, wordsOf(shape, element.bits)], data: words, dtype: "U32" };
}
