/** @file Says a recorded case of ONNX in terms of the kernels here: which kernel, on which inputs, and what its outputs are called. */

import type { TensorData } from "../../spec/tensor";
import type { AttentionOptions, MaskShape } from "./attention";
import type { Case, RecordedTensor } from "./cases";
import type { RotaryOptions } from "./rotary";

/** A case as a call of a kernel. */
export interface Call<Options> {
  readonly options: Options;
  readonly inputs: Readonly<Record<string, TensorData>>;
  readonly set: Readonly<Record<string, number>>;
  /** Recorded outputs by the kernel's names. */
  readonly outputs: Readonly<Record<string, RecordedTensor>>;
}

/** [batch, sequence, heads · channels] as [batch, heads, sequence, channels]. */
function unpacked({ dtype, shape, data }: RecordedTensor, heads: number): RecordedTensor {
  if (shape.length === 4) return { dtype, shape, data };
  const [batches = 0, length = 0, together = 0] = shape;
  const channels = together / heads;
  const turned: number[] = [];
  for (let b = 0; b < batches; b++) {
    for (let h = 0; h < heads; h++) {
      for (let s = 0; s < length; s++) for (let c = 0; c < channels; c++) turned.push(data[(b * length + s) * together + h * channels + c] ?? NaN);
    }
  }
  return { dtype, shape: [batches, heads, length, channels], data: turned };
}

function required(of: Case, name: string): RecordedTensor {
  const tensor = of.inputs[name];
  if (tensor === undefined) throw new Error(`${of.name} has no ${name}`);
  return tensor;
}

/** Which axes a mask has, leaving out those along which it is the same. */
function maskShape(shape: readonly number[]): readonly [MaskShape, readonly number[]] {
  const [b = 1, h = 1, q = 1, k = 1] = [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
  if (h > 1) return b > 1 ? ["bhqk", [b, h, q, k]] : ["hqk", [h, q, k]];
  if (b > 1) return ["bqk", [b, q, k]];
  return q > 1 ? ["qk", [q, k]] : ["k", [k]];
}

export function attentionCall(of: Case): Call<AttentionOptions> {
  const { attributes, inputs } = of;
  const heads = attributes["q_num_heads"] ?? required(of, "Q").shape[1] ?? 0;
  const kvHeads = attributes["kv_num_heads"] ?? required(of, "K").shape[1] ?? 0;
  const [q, k, v] = [unpacked(required(of, "Q"), heads), unpacked(required(of, "K"), kvHeads), unpacked(required(of, "V"), kvHeads)];
  const [batches = 0, , , channels = 0] = q.shape;
  const [, , current = 0, wide = 0] = v.shape;
  const none = (last: number): RecordedTensor => ({ dtype: k.dtype, shape: [batches, kvHeads, 0, last], data: [] });
  const [pastKey, pastValue] = [inputs["past_key"] ?? none(channels), inputs["past_value"] ?? none(wide)];
  const keys = current + (pastKey.shape[2] ?? 0);
  const { attn_mask: given, nonpad_kv_seqlen: nonpad } = inputs;
  const [shape, sizes] = given === undefined ? ["k" as const, [0]] : maskShape(given.shape);
  const { Y, present_key: presentKey, present_value: presentValue, qk_matmul_output: scores } = of.outputs;
  const outputs = { y: Y === undefined ? undefined : unpacked(Y, heads), presentKey, presentValue, scores };
  return {
    options: {
      half: q.dtype === "float16",
      ...(attributes["scale"] === undefined ? {} : { scale: attributes["scale"] }),
      softcap: attributes["softcap"] ?? 0,
      mask: given === undefined ? "none" : given.dtype === "bool" ? "bool" : "float",
      maskShape: shape,
      isCausal: attributes["is_causal"] === 1,
      aligned: nonpad !== undefined ? "nonpad" : inputs["past_key"] !== undefined ? "past" : "start",
      window: [attributes["left_window_size"] ?? -1, attributes["right_window_size"] ?? -1],
      stage: attributes["qk_matmul_output_mode"] ?? 0,
    },
    inputs: { q, k, v, pastKey, pastValue, "mask.data": { shape: sizes, data: given?.data ?? [] }, nonpad: nonpad ?? { shape: [batches], data: Array.from({ length: batches }, () => keys) } },
    set: { key: keys },
    outputs: Object.fromEntries(Object.entries(outputs).filter((entry): entry is [string, RecordedTensor] => entry[1] !== undefined)),
  };
}

export function rotaryCall(of: Case): Call<RotaryOptions & { readonly positions: boolean }> {
  const { attributes } = of;
  const heads = attributes["num_heads"] ?? 0;
  const x = unpacked(required(of, "input"), heads);
  const positions = of.inputs["position_ids"];
  const output = of.outputs["output"];
  return {
    options: {
      turned: attributes["rotary_embedding_dim"] ?? x.shape[3] ?? 0,
      interleaved: attributes["interleaved"] === 1,
      positions: positions !== undefined,
    },
    inputs: { x, cos: required(of, "cos_cache"), sin: required(of, "sin_cache"), ...(positions === undefined ? {} : { at: positions }) },
    set: {},
    outputs: output === undefined ? {} : { out: unpacked(output, heads) },
  };
}
