/** @file The forward pass over a whole context, with what the backward pass needs of it. */

import { multiply } from "../matrix";
import { addTo, embed, gated, requireIds, rmsNorm, type LayerWeights, type Llama } from "../model";
import { causalAttention } from "../plain/attention";
import type { Reals } from "../reals";
import { rotate, rotaryTables, type RotaryTables } from "../rotary";

/** What one layer computed, a row for each token. */
export interface LayerTape<Data extends Reals> {
  /** The residual stream before attention and before the feed-forward part, [token, hidden]. */
  readonly before: Data;
  readonly middle: Data;
  /** Rotated, [token, head, channel]. */
  readonly queries: Data;
  /** Before rotation, and rotated, [token, kvHead, channel]. */
  readonly keys: Data;
  readonly rotatedKeys: Data;
  readonly values: Data;
  /** [token, intermediate]. */
  readonly gate: Data;
  readonly up: Data;
}

export interface Tape<Data extends Reals> {
  readonly tables: RotaryTables;
  readonly layers: readonly LayerTape<Data>[];
  /** The residual stream after the last of these layers. */
  readonly after: Data;
}

/**
 * Feeds a context to the first `layers` layers, all of them when absent: what `hiddenStates` computes with exact plain
 * attention, bit for bit, but for the final norm.
 * @throws KvernError KV6005 for an unknown token or a context longer than the model's
 */
export function forward<Data extends Reals>(model: Llama<Data>, ids: readonly number[], layers = model.layers.length): Tape<Data> {
  const { headDim, ropeTheta, ropeLayout } = model.config;
  requireIds(model.config, ids, 0);
  const tables = rotaryTables(ids.length, headDim, ropeTheta, ropeLayout);
  const after = embed(model, ids);
  const taped = model.layers.slice(0, layers).map((layer) => forwardLayer(model, layer, tables, after));
  return { tables, layers: taped, after };
}

/** Adds to `x`, [token, hidden], what the layer adds to it. */
function forwardLayer<Data extends Reals>({ config }: Llama<Data>, layer: LayerWeights<Data>, tables: RotaryTables, x: Data): LayerTape<Data> {
  const before = x.slice() as Data;
  const normed = rmsNorm(x, layer.attentionNorm, config.normEpsilon);
  const keys = multiply(normed, layer.key);
  const values = multiply(normed, layer.value);
  const queries = rotate(multiply(normed, layer.query), config.heads, tables, 0);
  const rotatedKeys = rotate(keys, config.kvHeads, tables, 0);
  addTo(x, multiply(causalAttention(queries, rotatedKeys, values, config, 0), layer.output));
  const middle = x.slice() as Data;
  const inner = rmsNorm(x, layer.feedForwardNorm, config.normEpsilon);
  const gate = multiply(inner, layer.gate);
  const up = multiply(inner, layer.up);
  addTo(x, multiply(gated(gate, up), layer.down));
  return { before, middle, queries, keys, rotatedKeys, values, gate, up };
}
