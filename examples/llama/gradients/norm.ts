import { zeros, type Reals } from "../reals";

/**
 * The gradient by `x` of `rmsNorm(x, gain, epsilon)`, given the gradient `dy` by its result; rows are as long as `gain`.
 * With s = 1 / √(mean(x²) + ε) and h = gain · dy, dx = s·h − s³·x·mean(x·h).
 */
export function rmsNormGradient<Data extends Reals>(x: Data, gain: Data, epsilon: number, dy: Data): Data {
  const width = gain.length;
  const dx = zeros(x, x.length);
  for (let row = 0; row < x.length; row += width) {
    let squares = 0;
    let along = 0;
    for (let i = 0; i < width; i++) {
      const value = x[row + i] ?? 0;
      squares += value * value;
      along += value * (gain[i] ?? 0) * (dy[row + i] ?? 0);
    }
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    const back = (scale ** 3 * along) / width;
    for (let i = 0; i < width; i++) dx[row + i] = scale * (gain[i] ?? 0) * (dy[row + i] ?? 0) - back * (x[row + i] ?? 0);
  }
  return dx;
}
