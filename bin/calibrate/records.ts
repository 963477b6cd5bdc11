/** @file What the journal of a calibration holds: contexts that were read, and groups that were learned. */

import type { LayerObservation } from "../../examples/llama/calibration";
import type { CoupledFormat } from "../../runtime/codebook/coupled";
import type { GroupReport, LearnedGroup } from "../../runtime/codebook/group";
import type { TensorFile } from "../../runtime/safetensors/read";
import type { WritableTensor } from "../../runtime/safetensors/write";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { Metadata } from "./journal";

export type Side = "keys" | "values";

/** Which group of the model. */
export interface GroupPlace {
  readonly layer: number;
  readonly side: Side;
  readonly head: number;
  readonly group: number;
}

type Tensors = Readonly<Record<string, WritableTensor>>;

const flat = (data: Float32Array): WritableTensor => ({ shape: [data.length], data });

export function contextRecord(index: number, layers: readonly LayerObservation[]): [Tensors, Metadata] {
  const tensors = layers.flatMap(({ keys, values, weights }, at): readonly (readonly [string, WritableTensor])[] => [
    [`${at}.keys`, flat(keys)],
    [`${at}.values`, flat(values)],
    ...(weights === undefined ? [] : [[`${at}.weights.keys`, flat(weights.keys)] as const, [`${at}.weights.values`, flat(weights.values)] as const]),
  ]);
  return [Object.fromEntries(tensors), { record: "context", index: String(index), layers: String(layers.length) }];
}

export function groupRecord(place: GroupPlace, { centroids, report }: LearnedGroup, { couple }: CoupledFormat): [Tensors, Metadata] {
  return [{ centroids: { shape: [centroids.length / couple, couple], data: centroids, dtype: "F16" } }, { record: "group", place: name(place), report: JSON.stringify(report) }];
}

function name({ layer, side, head, group }: GroupPlace): string {
  return `${layer}.${side}.${head}.${group}`;
}

/** The records of earlier runs. */
export class Resumed {
  readonly contexts = new Map<number, readonly LayerObservation[]>();
  readonly #groups = new Map<string, LearnedGroup>();
  #contexts = 0;

  /** How many of each there were. */
  get counts(): { readonly contexts: number; readonly groups: number } {
    return { contexts: this.#contexts, groups: this.#groups.size };
  }

  take({ tensors, metadata }: TensorFile): void {
    const floats = (tensor: string): Float32Array => {
      const data = tensors[tensor]?.data;
      if (data instanceof Float32Array) return data;
      throw new InternalError(`a record of a journal has no tensor ${tensor}`);
    };
    switch (metadata["record"]) {
      case "context":
        this.#contexts++;
        this.contexts.set(Number(metadata["index"]), Array.from({ length: Number(metadata["layers"]) }, (_, at) => ({
          keys: floats(`${at}.keys`),
          values: floats(`${at}.values`),
          ...(tensors[`${at}.weights.keys`] === undefined ? {} : { weights: { keys: floats(`${at}.weights.keys`), values: floats(`${at}.weights.values`) } }),
        })));
        return;
      case "group":
        this.#groups.set(metadata["place"] ?? "", { centroids: floats("centroids"), report: JSON.parse(metadata["report"] ?? "") as GroupReport });
        return;
      default:
        throw new InternalError(`a journal holds a record of the kind ${metadata["record"] ?? "none"}`);
    }
  }

  group(place: GroupPlace): LearnedGroup | undefined {
    return this.#groups.get(name(place));
  }
}
