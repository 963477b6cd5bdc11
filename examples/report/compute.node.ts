/**
 * @file Computes rows and stores each as it is finished, with what it is made from (activations, codebooks, logits at full
 * precision), so that a run that was stopped goes on where it was.
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readSafetensorsFile, writeSafetensorsFile, type WritableTensor } from "kvern/runtime";
import { entropyReport, type EntropyReport } from "../../bin/calibrate/entropy";
import { learnCodebook, type CoupledFormat } from "../../runtime/codebook/coupled";
import { ITERATIONS } from "../../runtime/codebook/kmeans";
import { InternalError } from "../../spec/diagnostics/diagnostic";
import type { TensorData } from "../../spec/tensor/tensor";
import { LossyAttention, type Code, type LayerCodes } from "../llama/plain/lossy";
import { exactAttention } from "../llama/plain/exact";
import { fisherWeights } from "../llama/gradients/fisher";
import { calibrationOf, turned, type Calibration } from "./calibration";
import { evaluateCache, referenceLogits, type ContextScore, type Reference } from "./evaluate";
import { coupledCode, perChannelCode, perTokenCode } from "./formats";
import { keyOf, type Row } from "./rows";
import type { Subject } from "./subjects.node";

/** What a row came to. */
export interface Result {
  readonly key: string;
  readonly contexts: readonly ContextScore[];
}

export type Say = (what: string, done: number, total: number) => void;

/** Calibration vectors: 8 for each centroid of the largest codebook, 32 for those of 8 bits. */
export const VECTORS = 8192;

/** Keys as they are coded, or values. */
type Side = "keys-before" | "keys-after" | "values";

export class Workshop {
  #calibration: Promise<Calibration> | undefined;
  #reference: Promise<Reference> | undefined;

  /** @param folder where what is computed is kept */
  constructor(
    readonly subject: Subject,
    private readonly folder: string,
    private readonly say: Say,
  ) {}

  async stored(row: Row): Promise<Result | undefined> {
    return (await readJson(this.#rowFile(row))) as Result | undefined;
  }

  async compute(row: Row): Promise<Result> {
    const { loaded, heldout } = this.subject;
    const key = keyOf(row);
    const cache = { layers: await this.#codes(row), keys: row.keys, window: row.window };
    const backend = new LossyAttention(key, loaded.model.config, cache);
    const contexts = await evaluateCache(loaded.model, backend, heldout, await this.reference(), (done, total) => this.say(`${this.subject.name} ${key}`, done, total));
    const result = { key, contexts };
    await writeJson(this.#rowFile(row), result);
    return result;
  }

  #rowFile(row: Row): string {
    return join(this.folder, "rows", `${keyOf(row)}.json`);
  }

  async #codes({ format, keys, weights, seed }: Row): Promise<readonly LayerCodes[]> {
    const { layers, headDim } = this.subject.loaded.model.config;
    const each = async (of: (side: Side, layer: number) => Promise<Code>): Promise<readonly LayerCodes[]> =>
      Promise.all(Array.from({ length: layers }, async (_, layer) => ({ keys: await of(`keys-${keys}`, layer), values: await of("values", layer) })));
    switch (format.kind) {
      case "exact":
        return each(() => Promise.resolve((vectors) => vectors.slice()));
      case "perToken":
        return each(() => Promise.resolve(perTokenCode(headDim, format.bits)));
      case "perChannel":
        return each(async (side, layer) => perChannelCode(await this.vectors(side, layer), format.bits));
      case "coupled": {
        const books = { [`keys-${keys}`]: await this.books(format, `keys-${keys}`, weights === "fisher", seed), values: await this.books(format, "values", weights === "fisher", seed) };
        return each((side, layer) => Promise.resolve(coupledCode(books[side]?.[layer] ?? missing(side))));
      }
    }
  }

  /** Codebooks of one side of every layer, [head, group, centroid, member]. */
  async books(format: CoupledFormat, side: Side, fisher: boolean, seed: number): Promise<readonly TensorData<Float32Array>[]> {
    const { couple, bits } = format;
    const name = [`${couple}c${bits}b`, side, fisher ? "fisher" : "uniform", `seed-${seed}`].join(".");
    const file = join(this.folder, "codebooks", `${name}.safetensors`);
    const { layers } = this.subject.loaded.model.config;
    const known = await readTensors(file);
    if (known !== undefined) return Array.from({ length: layers }, (_, layer) => known(`layers.${layer}`));
    const books: TensorData<Float32Array>[] = [];
    for (let layer = 0; layer < layers; layer++) {
      const weights = fisher ? { weights: fisherWeights(await this.#gradients(side, layer), couple) } : {};
      // Seeds far apart, since each group of channels takes one of its own after the first.
      const { book } = await learnCodebook(await this.vectors(side, layer), { couple, bits }, { ...weights, seed: 100_000 * seed, iterations: ITERATIONS });
      books.push(book);
      this.say(`${this.subject.name} codebooks ${name}`, layer + 1, layers);
    }
    await writeTensors(file, Object.fromEntries(books.map((book, layer) => [`layers.${layer}`, { ...book, dtype: "F16" as const }])));
    return books;
  }

  /** What is coded, on the calibration text: [vector, kvHead, channel]. */
  async vectors(side: Side, layer: number): Promise<TensorData<Float32Array>> {
    const { layers, positions } = await this.calibration();
    const { kvHeads, headDim } = this.subject.loaded.model.config;
    return { shape: [positions.length, kvHeads, headDim], data: this.#side(layers[layer] ?? missing(side), side, positions) };
  }

  async #gradients(side: Side, layer: number): Promise<Float32Array> {
    const { gradients, positions } = await this.calibration();
    return this.#side(gradients[layer] ?? missing(side), side, positions);
  }

  #side({ keys, values }: Calibration["layers"][number], side: Side, positions: Int32Array): Float32Array {
    if (side === "values") return values;
    return side === "keys-before" ? keys : turned(this.subject.loaded.model, keys, positions);
  }

  calibration(): Promise<Calibration> {
    return (this.#calibration ??= this.#calibrate());
  }

  async #calibrate(): Promise<Calibration> {
    const { loaded, calibration, name } = this.subject;
    const file = join(this.folder, "calibration.safetensors");
    const { layers } = loaded.model.config;
    const known = await readTensors(file);
    if (known !== undefined) {
      const numbers = (at: string): Float32Array => known(at).data;
      const of = (what: string) => Array.from({ length: layers }, (_, layer) => ({ keys: numbers(`${what}.${layer}.keys`), values: numbers(`${what}.${layer}.values`) }));
      return { positions: Int32Array.from(numbers("positions")), layers: of("layers"), gradients: of("gradients") };
    }
    const made = await calibrationOf(loaded.model, calibration, VECTORS, (done, total) => this.say(`${name} calibration vectors and gradients`, done, total));
    const tensors: Record<string, WritableTensor> = { positions: { dtype: "F32", shape: [made.positions.length], data: Float32Array.from(made.positions) } };
    for (const what of ["layers", "gradients"] as const) {
      for (const [layer, sides] of made[what].entries()) {
        for (const side of ["keys", "values"] as const) tensors[`${what}.${layer}.${side}`] = { dtype: "F32", shape: [sides[side].length], data: sides[side] };
      }
    }
    await writeTensors(file, tensors);
    return made;
  }

  /** Of keys before rotation and values, by size of group. */
  async entropies(): Promise<EntropyReport> {
    const file = join(this.folder, "entropies.json");
    const known = (await readJson(file)) as EntropyReport | undefined;
    if (known !== undefined) return known;
    const { layers } = this.subject.loaded.model.config;
    const vectors = await Promise.all(Array.from({ length: layers }, async (_, layer) => ({ keys: await this.vectors("keys-before", layer), values: await this.vectors("values", layer) })));
    const made = entropyReport(vectors, { from: 0, to: layers - 1 }, (done, total) => this.say(`${this.subject.name} entropies`, done, total));
    await writeJson(file, made);
    return made;
  }

  /** The logits that rows are compared with. */
  reference(): Promise<Reference> {
    return (this.#reference ??= this.#refer());
  }

  async #refer(): Promise<Reference> {
    const { loaded, heldout, name } = this.subject;
    const file = join(this.folder, "reference.safetensors");
    const known = await readTensors(file);
    if (known !== undefined) return heldout.map((_, context) => known(`contexts.${context}`).data);
    const made = await referenceLogits(loaded.model, exactAttention(loaded.model.config), heldout, (done, total) => this.say(`${name} logits at full precision`, done, total));
    await writeTensors(file, Object.fromEntries(made.map((data, context) => [`contexts.${context}`, { dtype: "F32" as const, shape: [data.length], data }])));
    return made;
  }
}

async function readTensors(file: string): Promise<((name: string) => TensorData<Float32Array>) | undefined> {
  const read = await readSafetensorsFile(file).catch(() => undefined);
  if (read === undefined) return undefined;
  return (name) => {
    const tensor = read.tensors[name];
    if (tensor === undefined || !(tensor.data instanceof Float32Array)) throw new InternalError(`${file} lacks ${name}: delete it`);
    return { shape: tensor.shape, data: tensor.data };
  };
}

/** Whole or not at all: what another process reads is never half a file. */
async function writeTensors(file: string, tensors: Readonly<Record<string, WritableTensor>>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeSafetensorsFile(`${file}.${process.pid}.part`, tensors, {});
  await rename(`${file}.${process.pid}.part`, file);
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${process.pid}.part`, JSON.stringify(value));
  await rename(`${file}.${process.pid}.part`, file);
}

function missing(what: string): never {
  throw new InternalError(`a report lacks ${what}`);
}
