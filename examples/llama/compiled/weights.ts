/** @file A model's weights on a device, in one of the ways that `kernels/operators.ts` stores them. */

import { tensor, type Device, type DeviceTensor, type RunInput } from "kvern/runtime";
import { refuse } from "../../../spec/diagnostics/diagnostic";
import { fromHalves, toHalves } from "../../../spec/tensor/half";
import { storageWords } from "../../../spec/tensor/storage";
import type { Matrix } from "../matrix";
import type { Llama } from "../model";
import type { Stored } from "../kernels/operators";

/** A matrix's tensors by the names of its storage, without the name of the input. */
export type MatrixTensors = Readonly<Record<string, DeviceTensor>>;

export interface LayerTensors {
  readonly attentionNorm: DeviceTensor;
  readonly query: MatrixTensors;
  readonly key: MatrixTensors;
  readonly value: MatrixTensors;
  readonly output: MatrixTensors;
  readonly feedForwardNorm: DeviceTensor;
  readonly gate: MatrixTensors;
  readonly up: MatrixTensors;
  readonly down: MatrixTensors;
}

export interface ModelTensors {
  readonly embedding: MatrixTensors;
  readonly layers: readonly LayerTensors[];
  readonly norm: DeviceTensor;
  /** The embedding's own tensors where the output is tied. */
  readonly head: MatrixTensors;
  /** Bytes of all of them. */
  readonly bytes: number;
  close(): void;
}

/** Inputs that share a scale, as in `kernels/operators.ts`. */
export const GROUP = 32;

/** Integers from −127 to 127, plus 128, and what they are multiplied by: [output, input] and [output, group]. */
export interface Int8Matrix {
  readonly codes: Uint8Array;
  /** f32 that are all halves. */
  readonly scale: Float32Array;
}

/**
 * Each group of `GROUP` inputs by the scale that takes its largest magnitude to 127, as stored in f16; the nearest
 * integers. The last group of an output may be incomplete.
 */
export function toInt8({ data, outputs, inputs }: Matrix): Int8Matrix {
  const groups = Math.ceil(inputs / GROUP);
  const largest = new Float32Array(outputs * groups);
  const groupOf = (at: number): number => Math.floor(at / inputs) * groups + Math.floor((at % inputs) / GROUP);
  for (const [at, value] of data.entries()) largest[groupOf(at)] = Math.max(largest[groupOf(at)] ?? 0, Math.abs(value));
  const scale = fromHalves(toHalves(largest.map((value) => value / 127)));
  const codes = Uint8Array.from(data, (value, at) => {
    const unit = scale[groupOf(at)] ?? 0;
    // A group of nothing but zeros, or of numbers too small for a scale in f16, is all zeros.
    return unit === 0 ? 128 : 128 + Math.min(Math.max(Math.round(value / unit), -127), 127);
  });
  return { codes, scale };
}

/** The numbers that a matrix stored so stands for. */
export function asStored({ data, outputs, inputs }: Matrix, stored: Stored): Matrix {
  if (stored === "f32") return { data, outputs, inputs };
  if (stored === "f16") return { data: fromHalves(toHalves(data)), outputs, inputs };
  const groups = Math.ceil(inputs / GROUP);
  const { codes, scale } = toInt8({ data, outputs, inputs });
  const numbers = Float32Array.from(codes, (code, at) => (code - 128) * (scale[Math.floor(at / inputs) * groups + Math.floor((at % inputs) / GROUP)] ?? 0));
  return { data: numbers, outputs, inputs };
}

/** @throws KvernError KV6004 for weights that f16 cannot hold */
export async function uploadModel(device: Device, model: Llama, stored: Stored): Promise<ModelTensors> {
  const uploaded: DeviceTensor[] = [];
  let bytes = 0;
  const upload = async (...given: Parameters<Device["upload"]>): Promise<DeviceTensor> => {
    const made = await device.upload(...given);
    uploaded.push(made);
    bytes += 4 * storageWords(made.element, made.shape);
    return made;
  };
  const matrix = async (name: string, given: Matrix): Promise<MatrixTensors> => {
    const { data, outputs, inputs } = given;
    const shape = [outputs, inputs];
    if (stored === "f32") return { data: await upload({ kind: "f32" }, tensor(shape, data)) };
    if (stored === "f16") return { data: await upload({ kind: "f16" }, tensor(shape, withinHalves(name, data))) };
    const { codes, scale } = toInt8(given);
    return {
      codes: await upload({ kind: "uint", bits: 8 }, tensor(shape, codes)),
      scale: await upload({ kind: "f16" }, tensor([outputs, Math.ceil(inputs / GROUP)], withinHalves(name, scale))),
    };
  };
  const vector = (data: Float32Array): Promise<DeviceTensor> => upload({ kind: "f32" }, tensor([data.length], data));

  const close = (): void => uploaded.forEach((each) => each.destroy());
  try {
    const layers: LayerTensors[] = [];
    for (const [index, layer] of model.layers.entries()) {
      const of = (part: "query" | "key" | "value" | "output" | "gate" | "up" | "down"): Promise<MatrixTensors> => matrix(`layer ${index}'s ${part}`, layer[part]);
      layers.push({
        attentionNorm: await vector(layer.attentionNorm),
        query: await of("query"),
        key: await of("key"),
        value: await of("value"),
        output: await of("output"),
        feedForwardNorm: await vector(layer.feedForwardNorm),
        gate: await of("gate"),
        up: await of("up"),
        down: await of("down"),
      });
    }
    const embedding = await matrix("embedding", model.embedding);
    const head = model.head === model.embedding ? embedding : await matrix("output projection", model.head);
    return { embedding, layers, norm: await vector(model.norm), head, bytes, close };
  } catch (fault) {
    close();
    throw fault;
  }
}

function withinHalves(name: string, data: Float32Array): Float32Array {
  const bad = data.findIndex((value) => Math.abs(value) > 65504);
  if (bad >= 0) refuse({ code: "KV6004", message: `element ${bad} of the ${name} weights does not fit f16`, expected: "a magnitude of at most 65504", got: String(data[bad]), mend: "Keep the weights in f32." });
  return data;
}

/** A matrix as the inputs of a kernel that calls it `name`. */
export function matrixInputs(name: string, tensors: MatrixTensors): Readonly<Record<string, RunInput>> {
  return Object.fromEntries(Object.entries(tensors).map(([part, of]) => [`${name}.${part}`, of]));
}
