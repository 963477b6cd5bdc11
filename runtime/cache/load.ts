/** @file Caches that were saved, checked as a whole before any of them is on a device. */

import { KvernError, refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
import { unpackCodes } from "../../spec/tensor/packing";
import { elementCount, isNumbers, isSize, LARGEST_SIZE, shapeText, type TensorData } from "../../spec/tensor/tensor";
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

function checkedFile(file: TensorFile): Checked {
  const { tensors, metadata } = contentOf(file);
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
  for (const layers of description.tokens) {
    if (layers.length !== spec.layers.length) damaged("a sequence lacks layers, or has more", String(spec.layers.length), String(layers.length));
    for (const counts of layers) for (const part of PARTS) if (elementCount([counts[part], spec.heads, spec.channels]) > LARGEST_SIZE) damaged("a sequence is too long", `at most ${LARGEST_SIZE} numbers`, `${counts[part]} tokens`);
  }
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

/** What a file holds, and not something else that was given for one. */
function contentOf(file: unknown): TensorFile {
  const { tensors, metadata } = record(file, "what was given for a cache");
  for (const [name, tensor] of Object.entries(record(tensors, "the tensors of the file"))) {
    const { shape, data } = record(tensor, `the tensor ${shown(name)}`);
    if (!list(shape, "the sizes of a tensor").every(isSize) || !isNumbers(data)) damaged(`the tensor ${shown(name)} is none`, "{ shape, data }", shown(tensor));
  }
  return { tensors: tensors as TensorFile["tensors"], metadata: record(metadata, "the metadata of the file") as TensorFile["metadata"] };
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

/** The description, as far as its shape goes: whoever wrote the file also wrote the checksum. */
function parsed(text: string): Described {
  let made: unknown;
  try {
    made = JSON.parse(text);
  } catch (thrown) {
    return damaged("the file does not describe a cache", "JSON of a cache", thrown instanceof Error ? thrown.message : String(thrown));
  }
  const { heads, channels, window, sinks, layers, tokens } = record(made, "the description of a cache");
  return {
    heads: size(heads, "its heads"), channels: size(channels, "its channels"), window: size(window, "its window"), sinks: size(sinks, "its sinks"),
    layers: list(layers, "its layers").map((layer) => {
      const { keys, values } = record(layer, "a layer");
      return { keys: formatOf(keys), values: formatOf(values) };
    }),
    tokens: list(tokens, "its tokens").map((sequence) =>
      list(sequence, "a sequence").map((counts) => {
        const found = record(counts, "the tokens of a sequence");
        return { sinks: size(found["sinks"], "sinks"), coded: size(found["coded"], "coded tokens"), tail: size(found["tail"], "a tail") };
      })),
  };
}

function formatOf(json: unknown): Described["layers"][number][Side] {
  const { element, couple, bits } = record(json, "the format of a layer");
  if (element === "f32" || element === "f16") return { element };
  if (element !== undefined) return damaged("numbers are not stored in that type", "f32 or f16", shown(element));
  return { couple: size(couple, "channels that share a code", 1), bits: size(bits, "the bits of a code", 1) };
}

function record(json: unknown, what: string): Readonly<Record<string, unknown>> {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? (json as Readonly<Record<string, unknown>>) : damaged(`${what} is no record`, "a record", shown(json));
}

function list(json: unknown, what: string): readonly unknown[] {
  return Array.isArray(json) ? json : damaged(`${what} are no list`, "a list", shown(json));
}

function size(json: unknown, what: string, least = 0): number {
  return isSize(json) && json >= least ? json : damaged(`${what}: that is no number of them`, `a whole number from ${least} to ${LARGEST_SIZE}`, shown(json));
}

function damaged(message: string, expected: string, got: string | undefined): never {
  return refuse({ code: "KV6104", message, expected, got: got ?? "nothing", mend: "Save the cache again, or compute it again." });
}

const isBytes = (file: TensorFile | ArrayBuffer | Uint8Array<ArrayBuffer>): file is ArrayBuffer | Uint8Array<ArrayBuffer> => file instanceof ArrayBuffer || ArrayBuffer.isView(file);
