/** @file Functions of one number. None overflows where its value is finite. */

/** 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: number): number => {
  const small = Math.exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + small) : small / (1 + small);
};

/** x · sigmoid(x), also called swish. */
export const silu = (x: number): number => x * sigmoid(x);

/**
 * x · Φ(x) in its approximation by tanh: x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))). Hendrycks and Gimpel, "Gaussian
 * Error Linear Units", 2016. Beyond |x| = 10 it is x or 0 in f64 and f32 alike, which spares the cube of large numbers.
 */
export const gelu = (x: number): number => {
  const near = Math.min(Math.max(x, -10), 10);
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (near + 0.044715 * near * near * near)));
};

/** `cap`·tanh(x / `cap`): x forced smoothly into (−cap, cap), with `cap` > 0. */
export const softCap = (x: number, cap: number): number => cap * Math.tanh(x / cap);
