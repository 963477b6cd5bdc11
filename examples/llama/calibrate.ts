/** @file From a model and texts to codebooks, in one go. */

import type { CoupledFormat } from "../../runtime/codebook/coupled";
import { collectActivations } from "./calibration";
import { formatName, learnCodebooks, type Codebooks } from "./codebooks";
import type { Llama } from "./model";

/** 4, 2 and 1 bit per channel. */
export const FORMATS: readonly CoupledFormat[] = [
  { couple: 2, bits: 8 },
  { couple: 4, bits: 8 },
  { couple: 8, bits: 8 },
];

/** Vectors that codebooks are learned from unless asked otherwise: 16 for each centroid of 8-bit codes. */
export const CALIBRATION_VECTORS = 4096;

export interface CalibrateOptions {
  /** How many vectors, taken from the begin of the contexts. Default `CALIBRATION_VECTORS`. */
  readonly vectors?: number;
  readonly iterations?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  /** What is being done, and how far it is. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** Learns codebooks of each format from what the model makes of the contexts. */
export async function calibrate(
  model: Llama,
  contexts: readonly (readonly number[])[],
  formats: readonly CoupledFormat[],
  { vectors = CALIBRATION_VECTORS, onProgress, signal, ...learning }: CalibrateOptions = {},
): Promise<readonly Codebooks[]> {
  const stop = signal === undefined ? {} : { signal };
  const activations = await collectActivations(model, contexts, { vectors, ...stop, onProgress: (done, total) => onProgress?.("calibration vectors", done, total) });
  const learned: Codebooks[] = [];
  for (const format of formats) {
    const name = `${formatName(format)} codebooks`;
    learned.push(await learnCodebooks(activations, format, { ...learning, ...stop, onProgress: (done, total) => onProgress?.(name, done, total) }));
  }
  return learned;
}
