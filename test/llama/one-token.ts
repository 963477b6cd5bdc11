/**
 * @file A llama2.c model of the file's version 0 computed one token at a time from the bytes of its file, in f64 and with
 * nothing of the runner: what the runner is held to.
 */

/** e^x normalised in place over `x`. */
function softmax(x: number[]): number[] {
  const highest = x.reduce((a, b) => Math.max(a, b));
  const powers = x.map((value) => Math.exp(value - highest));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / total);
}

/** −log p of each id but the first, given those before it. */
export function lossesOf(file: Uint8Array<ArrayBuffer>, ids: readonly number[]): readonly number[] {
  const [dim = 0, inner = 0, layers = 0, heads = 0, kvHeads = 0, vocabulary = 0] = new Int32Array(file.buffer.slice(file.byteOffset, file.byteOffset + 28));
  const floats = new Float32Array(file.buffer.slice(file.byteOffset + 28, file.byteOffset + file.byteLength));
  const width = dim / heads;
  const kvDim = width * kvHeads;
  let at = 0;
  const next = (count: number): Float32Array => floats.subarray(at, (at += count));
  const [embedding, attentionNorm, wq, wk, wv, wo, feedForwardNorm, w1, w2, w3, norm] = [
    vocabulary * dim, layers * dim, layers * dim * dim, layers * kvDim * dim, layers * kvDim * dim, layers * dim * dim, layers * dim, layers * inner * dim, layers * dim * inner, layers * inner * dim, dim,
  ].map(next);
  if (!embedding || !attentionNorm || !wq || !wk || !wv || !wo || !feedForwardNorm || !w1 || !w2 || !w3 || !norm) throw new Error("eleven tensors");

  /** Row-major [rows, x.length], of layer `layer`. */
  const times = (w: Float32Array, rows: number, x: readonly number[], layer = 0): number[] =>
    Array.from({ length: rows }, (_, row) => x.reduce((sum, value, i) => sum + value * (w[(layer * rows + row) * x.length + i] ?? NaN), 0));
  const normed = (x: readonly number[], gain: Float32Array, layer = 0): number[] => {
    const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / dim + 1e-5);
    return x.map((value, i) => value * scale * (gain[layer * dim + i] ?? NaN));
  };
  /** Channels 2i and 2i + 1 of each head turn by position · 10000^(−2i / width). */
  const turned = (x: readonly number[], position: number): number[] =>
    x.map((value, i) => {
      const angle = position * 10_000 ** (-(((i % width) >> 1) * 2) / width);
      return i % 2 === 0 ? value * Math.cos(angle) - (x[i + 1] ?? NaN) * Math.sin(angle) : value * Math.cos(angle) + (x[i - 1] ?? NaN) * Math.sin(angle);
    });

  const keys: number[][][] = Array.from({ length: layers }, () => []);
  const values: number[][][] = Array.from({ length: layers }, () => []);
  return ids.slice(0, -1).map((id, position) => {
    let x: number[] = Array.from(embedding.subarray(id * dim, (id + 1) * dim));
    for (let layer = 0; layer < layers; layer++) {
      const y = normed(x, attentionNorm, layer);
      const q = turned(times(wq, dim, y, layer), position);
      const [past, mixed] = [keys[layer] ?? [], values[layer] ?? []];
      past.push(turned(times(wk, kvDim, y, layer), position));
      mixed.push(times(wv, kvDim, y, layer));
      const attended = Array.from({ length: heads }, (_, head) => {
        const from = Math.floor(head / (heads / kvHeads)) * width;
        const weights = softmax(past.map((key) => Array.from({ length: width }, (_c, c) => (q[head * width + c] ?? NaN) * (key[from + c] ?? NaN)).reduce((a, b) => a + b) / Math.sqrt(width)));
        return Array.from({ length: width }, (_c, c) => weights.reduce((sum, weight, t) => sum + weight * (mixed[t]?.[from + c] ?? NaN), 0));
      }).flat();
      const added = times(wo, dim, attended, layer);
      x = x.map((value, i) => value + (added[i] ?? NaN));
      const z = normed(x, feedForwardNorm, layer);
      const [gate, up] = [times(w1, inner, z, layer), times(w3, inner, z, layer)];
      const down = times(w2, dim, gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] ?? NaN)), layer);
      x = x.map((value, i) => value + (down[i] ?? NaN));
    }
    return -Math.log(softmax(times(embedding, vocabulary, normed(x, norm)))[ids[position + 1] ?? -1] ?? NaN);
  });
}
