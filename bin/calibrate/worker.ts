/** @file The worker thread that runs the model over contexts. */

import { workerData } from "node:worker_threads";
import { observe, type LayerObservation, type LayerRange } from "../../examples/llama/calibration";
import type { Transposes } from "../../examples/llama/gradients/backward";
import type { Llama } from "../../examples/llama/model";
import { serve } from "../../runtime/workers/serve.node";

/** What every worker is given; the weights lie in memory that all of them share. */
export interface ContextWork {
  readonly model: Llama;
  readonly layers: LayerRange;
  /** For Fisher weights: the transposes of the model and the channels of a group. */
  readonly fisher?: { readonly back: Transposes<Float32Array>; readonly couple: number };
}

const { model, layers, fisher } = workerData as ContextWork;
serve((context): readonly LayerObservation[] => observe(model, context as readonly number[], layers, fisher));
