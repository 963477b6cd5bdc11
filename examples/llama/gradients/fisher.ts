/**
 * The weight of each token in each group: the sum over the group's `couple` channels of the squared gradient of the loss
 * by them, the diagonal of the Fisher information as one context samples it (CQ, Zhang, Yi, Xu, Shrivastava, 2024).
 * `gradient` is [token, head, channel]; the result [token, head, group].
 */
export function fisherWeights(gradient: Float32Array, couple: number): Float32Array {
  const weights = new Float32Array(gradient.length / couple);
  for (let at = 0; at < weights.length; at++) {
    let sum = 0;
    for (let i = 0; i < couple; i++) sum += (gradient[at * couple + i] ?? 0) ** 2;
    weights[at] = sum;
  }
  return weights;
}
