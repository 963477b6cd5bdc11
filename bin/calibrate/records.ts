/** @file What the journal of a calibration holds: contexts that were read, and groups that were learned. */

import type { LayerObservation } from "../../examples/llama/calibration";
import type { CoupledFormat } from "../../runtime/codebook/coupled";
import type { GroupReport, LearnedGroup } from "../../runtime/codebook/group";
import type { TensorFile } from "../../runtime/safetensors/read";
import type { WritableTensor } from "../../runtime/safetensors/write";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
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

/** What records of this calibration look like, whoever wrote the journal. */
export interface RecordShape {
  /** Layers that are learned. */
  readonly layers: number;
  /** Numbers of a token in keys, or values. */
  readonly row: number;
  /** Weights of a token, where there are any. */
  readonly weights: number | undefined;
  /** Tokens of each context. */
  readonly tokens: readonly number[];
  /** Numbers of a group's centroids. */
  readonly centroids: number;
}

/** The records of earlier runs. */
export class Resumed {
  readonly contexts = new Map<number, readonly LayerObservation[]>();
  readonly #groups = new Map<string, LearnedGroup>();
  #contexts = 0;

  constructor(
    private readonly journal: string,
    private readonly shape: RecordShape,
  ) {}

  /** How many of each there were. */
  get counts(): { readonly contexts: number; readonly groups: number } {
    return { contexts: this.#contexts, groups: this.#groups.size };
  }

  /** @throws KvernError KV6021 for a record that this calibration does not write */
  take({ tensors, metadata }: TensorFile): void {
    const { layers, row, weights, tokens, centroids } = this.shape;
    const floats = (tensor: string, length: number): Float32Array => {
      const data = Object.hasOwn(tensors, tensor) ? tensors[tensor]?.data : undefined;
      if (data instanceof Float32Array && data.length === length && data.every(Number.isFinite)) return data;
      return this.#foreign(`${length} finite numbers as ${tensor}`, data === undefined ? "none" : `${data.length} numbers`);
    };
    switch (metadata["record"]) {
      case "context": {
        const index = Number(metadata["index"]);
        const count = tokens[index];
        if (count === undefined || metadata["layers"] !== String(layers)) return this.#foreign(`one of ${tokens.length} contexts, in ${layers} layers`, shown(metadata));
        this.#contexts++;
        this.contexts.set(index, Array.from({ length: layers }, (_, at) => ({
          keys: floats(`${at}.keys`, count * row),
          values: floats(`${at}.values`, count * row),
          ...(weights === undefined ? {} : { weights: { keys: floats(`${at}.weights.keys`, count * weights), values: floats(`${at}.weights.values`, count * weights) } }),
        })));
        return;
      }
      case "group":
        this.#groups.set(metadata["place"] ?? "", { centroids: floats("centroids", centroids), report: this.#report(metadata["report"] ?? "") });
        return;
      default:
        this.#foreign("a context or a group", shown(metadata["record"]));
    }
  }

  #report(text: string): GroupReport {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return this.#foreign("a report in JSON", shown(text));
    }
    const { inertia, stored, energy, converged } = (typeof json === "object" && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
    const numbers: readonly unknown[] = Array.isArray(inertia) ? inertia : [undefined];
    if (![...numbers, stored, energy].every(Number.isFinite) || typeof converged !== "boolean") return this.#foreign("a report", shown(json));
    return json as GroupReport;
  }

  #foreign(expected: string, got: string): never {
    return refuse({ code: "KV6021", file: this.journal, message: "the journal holds a record that this calibration does not write", expected, got, mend: "Remove the journal, and begin again." });
  }

  group(place: GroupPlace): LearnedGroup | undefined {
    return this.#groups.get(name(place));
  }
}
