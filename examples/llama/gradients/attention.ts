import type { AttentionShape } from "../backend";
import { dot } from "../matrix";
import { zeros, type Reals } from "../reals";
import type { RotaryTables } from "../rotary";

export interface AttentionGradient<Data extends Reals> {
  /** [token, head, channel]. */
  readonly queries: Data;
  /** Both [token, kvHead, channel], summed over the query heads that read a key/value head. */
  readonly keys: Data;
  readonly values: Data;
}

/**
 * The gradients of `causalAttention` over a whole context (as many queries as tokens, all rotated), given the gradient
 * `dy`, [token, head, channel], by its result. With weights p of a query over the tokens t up to its own, and
 * e_t = dy · v_t: dv_t += p_t·dy, and for the scores ds_t = p_t·(e_t − Σ p·e), dq += ds_t·k_t / √D, dk_t += ds_t·q / √D.
 */
export function attentionGradient<Data extends Reals>(
  queries: Data,
  keys: Data,
  values: Data,
  { heads, kvHeads, headDim }: Pick<AttentionShape, "heads" | "kvHeads" | "headDim">,
  dy: Data,
): AttentionGradient<Data> {
  const scale = 1 / Math.sqrt(headDim);
  const dQueries = zeros(queries, queries.length);
  const dKeys = new Float64Array(keys.length);
  const dValues = new Float64Array(values.length);
  const weights = new Float64Array(queries.length / (heads * headDim));
  const along = new Float64Array(weights.length);
  const dQuery = new Float64Array(headDim);
  for (let at = 0; at < queries.length; at += headDim) {
    const live = Math.floor(at / (headDim * heads)) + 1;
    const kv = Math.floor((((at / headDim) % heads) * kvHeads) / heads);
    let highest = -Infinity;
    for (let t = 0; t < live; t++) {
      const row = (t * kvHeads + kv) * headDim;
      const score = scale * dot(queries, at, keys, row, headDim);
      weights[t] = score;
      if (score > highest) highest = score;
      along[t] = dot(dy, at, values, row, headDim);
    }
    let total = 0;
    let mean = 0;
    for (let t = 0; t < live; t++) {
      const weight = Math.exp((weights[t] ?? 0) - highest);
      weights[t] = weight;
      total += weight;
      mean += weight * (along[t] ?? 0);
    }
    mean /= total;
    dQuery.fill(0);
    for (let t = 0; t < live; t++) {
      const weight = (weights[t] ?? 0) / total;
      const dScore = scale * weight * ((along[t] ?? 0) - mean);
      const row = (t * kvHeads + kv) * headDim;
      for (let c = 0; c < headDim; c++) {
        dQuery[c] = (dQuery[c] ?? 0) + dScore * (keys[row + c] ?? 0);
        dKeys[row + c] = (dKeys[row + c] ?? 0) + dScore * (queries[at + c] ?? 0);
        dValues[row + c] = (dValues[row + c] ?? 0) + weight * (dy[at + c] ?? 0);
      }
    }
    dQueries.set(dQuery, at);
  }
  return { queries: dQueries, keys: like(keys, dKeys), values: like(values, dValues) };
}

/** The tables whose rotation undoes that of `tables`; a rotation's transpose, so it also takes gradients back through it. */
export function inverseRotation(tables: RotaryTables): RotaryTables {
  return { ...tables, sin: tables.sin.map((value) => -value) };
}

/** Sums in the precision of what they are the gradient of. */
function like<Data extends Reals>(data: Data, sums: Float64Array): Data {
  const rounded = zeros(data, sums.length);
  rounded.set(sums);
  return rounded;
}
