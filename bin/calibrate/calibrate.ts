/** @file A calibration from files to a file: the model reads, each group of each head is learned, all of it resumable. */

import { basename, dirname } from "node:path";
import { loadContexts, loadModel, type LoadedModel } from "../../examples/llama/load.node";
import { takeContexts, type LayerActivations, type LayerObservation, type LayerRange } from "../../examples/llama/calibration";
import { bookTensors, formatName, type LayerCodebooks } from "../../examples/llama/codebooks";
import { transposes } from "../../examples/llama/gradients/backward";
import { metadataOf, type Provenance } from "../../examples/llama/part";
import { learnCodebook, requireLearnable, type CoupledFormat } from "../../runtime/codebook/coupled";
import type { GroupLearner, GroupReport, LearnedGroup } from "../../runtime/codebook/group";
import { deviceLearner } from "../../runtime/codebook/device";
import { openLearner, type OpenLearner } from "../../runtime/codebook/learner";
import { openDevice, type OpenOptions } from "../../runtime/open";
import { writeSafetensorsFile } from "../../runtime/safetensors/files";
import { WorkerPool, workerScript } from "../../runtime/workers/pool.node";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { writeFolder } from "../built/folder";
import type { Progress } from "../progress";
import { entropyReport, type EntropyReport } from "./entropy";
import { Journal } from "./journal";
import { contextRecord, groupRecord, Resumed, type GroupPlace, type Side } from "./records";
import { contextsHash, modelHash, shared } from "./shared";
import type { ContextWork } from "./worker";

export interface CalibrationRequest {
  /** A model directory. */
  readonly model: string;
  /** Files of stories. */
  readonly text: readonly string[];
  readonly format: CoupledFormat;
  readonly weights: "uniform" | "fisher";
  readonly out: string;
  /** A file for the entropies of what is learned from. */
  readonly entropy?: string;
  readonly seed: number;
  readonly iterations: number;
  /** Vectors to learn from, at most. */
  readonly tokens: number;
  /** All layers when absent. */
  readonly layers?: LayerRange;
  /** Worker threads. */
  readonly workers: number;
  /** The device that finds nearest centroids, in place of threads; what is learned does not depend on it. */
  readonly backend?: NonNullable<OpenOptions["backend"]>;
}

export interface CalibrationReport extends Provenance {
  readonly out: string;
  readonly range: LayerRange;
  readonly contexts: number;
  readonly groups: readonly (GroupPlace & GroupReport)[];
  /** What an earlier, interrupted run had done. */
  readonly resumed: { readonly contexts: number; readonly groups: number };
  readonly workers: number;
  /** The device, where one was asked for, as it describes itself. */
  readonly device?: string;
  readonly seconds: { readonly model: number; readonly codebooks: number };
}

/**
 * Learns the codebooks of a model's layers and writes them. Until the file is written, `OUT.journal` holds what has been
 * done: the same request takes it up again and comes to the same file, byte for byte, as does any number of workers.
 * @throws KvernError KV60nn for a model, texts or codebooks that cannot be had, KV50nn for files, KV2102 for channels that
 * do not divide into groups
 */
export async function runCalibration(request: CalibrationRequest, progress: Progress): Promise<CalibrationReport> {
  const { format, weights, seed, iterations, out, workers } = request;
  const loaded = await loadModel(request.model);
  const { config } = loaded.model;
  const range = rangeOf(config.layers, request.layers);
  const contexts = takeContexts(await textContexts(loaded, request.text), request.tokens);
  const tokens = contexts.reduce((sum, ids) => sum + ids.length - 1, 0);
  requireLearnable(format, config.headDim, tokens);
  const provenance: Provenance = { format: formatName(format), weights, seed, iterations, tokens, model: modelHash(loaded.model), text: contextsHash(contexts), layers: config.layers };
  const metadata = metadataOf(provenance, range);

  const row = config.kvHeads * config.headDim;
  const resumed = new Resumed(`${out}.journal`, {
    layers: range.to - range.from + 1, row, weights: weights === "fisher" ? row / format.couple : undefined,
    tokens: contexts.map((ids) => ids.length - 1), centroids: 2 ** format.bits * format.couple,
  });
  const journal = await Journal.open(`${out}.journal`, metadata, (record) => resumed.take(record));
  try {
    const began = performance.now();
    const vectors = await readText(loaded, contexts, range, request, journal, resumed, progress);
    if (request.entropy !== undefined) await writeEntropies(request.entropy, entropyReport(vectors, range, (done, total) => progress.show("entropies", done, total)));
    const read = performance.now();
    const { books, groups, device } = await learnLayers(vectors, range, request, journal, resumed, progress);
    await writeSafetensorsFile(out, bookTensors(books), { metadata });
    await journal.remove();
    const seconds = { model: (read - began) / 1000, codebooks: (performance.now() - read) / 1000 };
    return { out, ...provenance, range, contexts: contexts.length, groups, resumed: resumed.counts, workers, ...(device === undefined ? {} : { device }), seconds };
  } finally {
    progress.clear();
    await journal.close();
  }
}

async function writeEntropies(file: string, report: EntropyReport): Promise<void> {
  await writeFolder(dirname(file), new Map([[basename(file), `${JSON.stringify(report, undefined, 2)}\n`]]));
}

function rangeOf(layers: number, asked: LayerRange | undefined): LayerRange {
  const range = asked ?? { from: 0, to: layers - 1 };
  if (range.to >= layers) refuse({ code: "KV6020", message: "the model does not have these layers", expected: `layers from 0 to ${layers - 1}`, got: `${range.from}..${range.to}` });
  return range;
}

async function textContexts(loaded: LoadedModel, files: readonly string[]): Promise<readonly (readonly number[])[]> {
  return (await Promise.all(files.map((file) => loadContexts(loaded, file)))).flat();
}

/** Vectors and weights of one layer. */
interface LayerVectors extends LayerActivations {
  /** [vector, kvHead, group]. */
  readonly weights?: { readonly keys: Float32Array; readonly values: Float32Array };
}

async function readText(
  { model }: LoadedModel,
  contexts: readonly (readonly number[])[],
  range: LayerRange,
  { weights, format: { couple }, workers }: CalibrationRequest,
  journal: Journal,
  resumed: Resumed,
  progress: Progress,
): Promise<readonly LayerVectors[]> {
  const { kvHeads, headDim } = model.config;
  const offsets = contexts.map((_, index) => contexts.slice(0, index).reduce((sum, ids) => sum + ids.length - 1, 0));
  const total = contexts.reduce((sum, ids) => sum + ids.length - 1, 0);
  const empty = () => ({ shape: [total, kvHeads, headDim], data: new Float32Array(total * kvHeads * headDim) });
  const emptyWeights = (): Float32Array => new Float32Array((total * kvHeads * headDim) / couple);
  const layers = Array.from({ length: range.to - range.from + 1 }, (): LayerVectors => ({
    keys: empty(),
    values: empty(),
    ...(weights === "fisher" ? { weights: { keys: emptyWeights(), values: emptyWeights() } } : {}),
  }));
  const put = (index: number, observed: readonly LayerObservation[]): void => {
    const rows = (offsets[index] ?? 0) * kvHeads;
    for (const [at, layer] of layers.entries()) {
      const { keys, values, weights: found } = observed[at] ?? refuse({ code: "KV6021", file: journal.file, message: `the record of context ${index} has too few layers` });
      layer.keys.data.set(keys, rows * headDim);
      layer.values.data.set(values, rows * headDim);
      if (found !== undefined) {
        layer.weights?.keys.set(found.keys, (rows * headDim) / couple);
        layer.weights?.values.set(found.values, (rows * headDim) / couple);
      }
    }
  };
  for (const [index, observed] of resumed.contexts) put(index, observed);
  const open = contexts.flatMap((context, index) => (resumed.contexts.has(index) ? [] : [{ context, index }]));
  resumed.contexts.clear();
  if (open.length === 0) return layers;

  const given = shared<ContextWork>({ model, layers: range, ...(weights === "fisher" ? { fisher: { back: transposes(model), couple } } : {}) });
  const pool = new WorkerPool<readonly number[], readonly LayerObservation[]>(workerScript("context"), Math.min(workers, open.length), given);
  let done = contexts.length - open.length;
  try {
    progress.show("contexts", done, contexts.length);
    await Promise.all(
      open.map(async ({ context, index }) => {
        const observed = await pool.run(context);
        put(index, observed);
        await journal.append(...contextRecord(index, observed));
        progress.show("contexts", ++done, contexts.length);
      }),
    );
  } finally {
    await pool.close();
  }
  return layers;
}

async function learnLayers(
  vectors: readonly LayerVectors[],
  { from }: LayerRange,
  request: CalibrationRequest,
  journal: Journal,
  resumed: Resumed,
  progress: Progress,
): Promise<{ readonly books: readonly (readonly [number, LayerCodebooks])[]; readonly groups: readonly (GroupPlace & GroupReport)[]; readonly device: string | undefined }> {
  const { format, seed, iterations } = request;
  const { device, ...learner } = await learnerOf(request);
  const reports: (GroupPlace & GroupReport)[] = [];
  const [, heads = 0, channels = 0] = vectors[0]?.keys.shape ?? [];
  const groups = channels / format.couple;
  const total = vectors.length * 2 * heads * groups;
  let done = 0;
  const learnSide = async (layer: number, side: Side, { [side]: data, weights }: LayerVectors) => {
    const journalled: GroupLearner = {
      width: learner.width,
      learn: async (problem): Promise<LearnedGroup> => {
        const place: GroupPlace = { layer, side, head: problem.head, group: problem.group };
        const known = resumed.group(place);
        if (known !== undefined) return known;
        const learned = await learner.learn(problem);
        await journal.append(...groupRecord(place, learned, format));
        return learned;
      },
    };
    const learned = await learnCodebook(data, format, { seed, iterations, learner: journalled, ...(weights === undefined ? {} : { weights: weights[side] }), onProgress: () => progress.show("groups", ++done, total) });
    for (const [index, report] of learned.groups.entries()) reports.push({ layer, side, head: Math.floor(index / groups), group: index % groups, ...report });
    return learned.book;
  };
  try {
    const books: (readonly [number, LayerCodebooks])[] = [];
    for (const [at, layer] of vectors.entries()) {
      books.push([from + at, { keys: await learnSide(from + at, "keys", layer), values: await learnSide(from + at, "values", layer) }]);
    }
    return { books, groups: reports, device };
  } finally {
    await learner.close();
  }
}

/** Threads, or the device that was asked for, as it describes itself. */
async function learnerOf({ backend, workers }: CalibrationRequest): Promise<OpenLearner & { readonly device: string | undefined }> {
  if (backend === undefined) return { ...(await openLearner(workers)), device: undefined };
  const device = await openDevice({ backend });
  return { ...deviceLearner(device), device: device.describe(), close: () => device.close() };
}
