/** @file Caches that were saved, checked as a whole before any of them is on a device. */

import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { unpackCodes } from "../../spec/tensor/packing";
import { elementCount, isSize, LARGEST_SIZE, shapeText, type TensorData } from "../../spec/tensor/tensor";
import type { Device } from "../device";
import { readSafetensors, type FileTensor, type TensorFile } from "../safetensors/read";
import { openCache, type Cache } from "./cache";
import { bookName, checksumOf, FORMAT, FULL, stripName, VERSION, wordsOf, type Described } from "./file";
import { checkSpec, isCoupled, PARTS, SIDES, storedElement, storedSizes, type CacheContents, type CachedTokens, type CacheFormat, type CacheSpec, type CheckedSpec, type Side } from "./spec";

/**
 * A cache as it was saved, on a device; all of it or, where the file is damaged, nothing.
 * @param file the bytes of a safetensors file, or what `readSafetensors` and `readSafetensorsFile` made of it, or what `save` returned
 * @throws KvernError KV6104 when it is damaged, of another version or no cache; KV500n when it is no safetensors file; KV40nn
 * for what the device cannot do
 */
export async function loadCache(file: TensorFile | ArrayBuffer | Uint8Array<ArrayBuffer>, device: Device): Promise<Cache> {
  const { spec, tokens, strips } = checkedFile(isBytes(file) ? readSafetensors(file) : file);
  return openCache(spec, device, { tokens, strips });
}

interface Checked extends CacheContents {
  readonly spec: CheckedSpec;
}

function checkedFile({ tensors, metadata }: TensorFile): Checked {
  if (metadata["format"] !== FORMAT) return damaged("this is no cache", FORMAT, metadata["format"]);
  if (metadata["version"] !== VERSION) return damaged("the cache was saved in another version", VERSION, metadata["version"]);
  const { cache = "" } = metadata;
  const sum = checksumOf(cache, tensors);
  if (metadata["checksum"] !== sum) return damaged("the file has changed since it was saved", `the checksum ${sum}, of what is in it`, metadata["checksum"]);
  const description = parsed(cache);
  const tensor = (name: string, shape: readonly number[], dtype: FileTensor["dtype"]): FileTensor => {
    const found = tensors[name] ?? damaged(`the tensor ${name} is not there`, shapeText(shape), "nothing");
    if (found.dtype !== dtype || shapeText(found.shape) !== shapeText(shape)) return damaged(`the tensor ${name} is another`, `${dtype} ${shapeText(shape)}`, `${found.dtype} ${shapeText(found.shape)}`);
    return found;
  };
  const spec = specOf(description, tensor);
  const tokens = (layer: number, sequence: number): CachedTokens => description.tokens[sequence]?.[layer] ?? damaged("a sequence has no layer", `layer ${layer}`, "nothing");
  const read = new Map<string, TensorData>();
  spec.layers.forEach((formats, layer) => {
    for (let sequence = 0; sequence < spec.batch; sequence++) {
      for (const side of SIDES) for (const part of PARTS) {
        const name = stripName(sequence, layer, side, part);
        read.set(name, strip(part === "coded" ? formats[side] : FULL, tokens(layer, sequence)[part], spec, (shape, dtype) => tensor(name, shape, dtype)));
      }
    }
  });
  const extra = Object.keys(tensors).length - read.size - spec.layers.flatMap(({ keys, values }) => [keys, values].filter(isCoupled)).length;
  if (extra !== 0) damaged("there are tensors that belong to no cache", "none", String(extra));
  return { spec, tokens, strips: (layer, sequence, side, part) => read.get(stripName(sequence, layer, side, part)) ?? damaged("a strip is not there", part, "nothing") };
}

function strip(format: CacheFormat, count: number, spec: CacheSpec, tensor: (shape: readonly number[], dtype: FileTensor["dtype"]) => FileTensor): TensorData {
  const element = storedElement(format);
  const shape = [count, ...storedSizes(spec, format)];
  if (element.kind !== "uint") {
    const { data } = tensor(shape, element.kind === "f16" ? "F16" : "F32");
    if (!Array.prototype.every.call(data, Number.isFinite)) damaged("there are numbers that are not finite", "finite numbers", "NaN or an infinity");
    return { shape, data };
  }
  const { data } = tensor([count, spec.heads, wordsOf(shape, element.bits)], "U32");
  return { shape, data: unpackCodes(shape, Uint32Array.from(data), element.bits) };
}

function specOf(description: Described, tensor: (name: string, shape: readonly number[], dtype: FileTensor["dtype"]) => FileTensor): CheckedSpec {
  const { heads, channels, window, sinks } = description;
  const format = (of: Described["layers"][number][Side], layer: number, side: Side): CacheFormat => {
    if ("element" in of) return { element: of.element };
    const { couple, bits } = of;
    return { couple, bits, book: tensor(bookName(layer, side), [heads, channels / couple, 2 ** bits, couple], "F16") };
  };
  try {
    return checkSpec({ heads, channels, window, sinks, batch: description.tokens.length, layers: description.layers.map(({ keys, values }, layer) => ({ keys: format(keys, layer, "keys"), values: format(values, layer, "values") })) });
  } catch (thrown) {
    if (!(thrown instanceof KvernError)) throw thrown;
    return damaged("the file describes a cache that cannot be", "the description of a cache", thrown.diagnostics.map(({ message }) => message).join("; "));
  }
}

/** The description, as far as its shape goes: the checksum has held, so that only another writer's could be wrong. */
function parsed(text: string): Described {
  try {
    const made = JSON.parse(text) as Described;
    const counts = made.tokens.flatMap((layers) => (layers.length === made.layers.length ? layers : damaged("a sequence lacks layers", String(made.layers.length), String(layers.length))));
    for (const tokens of counts) for (const part of PARTS) if (!isSize(tokens[part]) || elementCount([tokens[part], made.heads, made.channels]) > LARGEST_SIZE) damaged("a sequence has no length", "whole numbers", String(tokens[part]));
    for (const { keys, values } of made.layers) if (typeof keys !== "object" || typeof values !== "object") damaged("a layer has no formats", "{ keys, values }", typeof keys);
    return made;
  } catch (thrown) {
    if (thrown instanceof KvernError) throw thrown;
    return damaged("the file does not describe a cache", "JSON of a cache", thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function damaged(message: string, expected: string, got: string | undefined): never {
  return refuse({ code: "KV6104", message, expected, got: got ?? "nothing", mend: "Save the cache again, or compute it again." });
}

const isBytes = (file: TensorFile | ArrayBuffer | Uint8Array<ArrayBuffer>): file is ArrayBuffer | Uint8Array<ArrayBuffer> => file instanceof ArrayBuffer || ArrayBuffer.isView(file);
