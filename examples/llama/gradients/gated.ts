import { zeros, type Reals } from "../reals";

export interface GatedGradient<Data extends Reals> {
  readonly gate: Data;
  readonly up: Data;
}

/**
 * The gradients of `gated(gate, up)` = silu(gate) · up, given the gradient `dy` by its result. With σ = 1 / (1 + e^−g),
 * silu′(g) = σ · (1 + g · (1 − σ)).
 */
export function gatedGradient<Data extends Reals>(gate: Data, up: Data, dy: Data): GatedGradient<Data> {
  const dGate = zeros(gate, gate.length);
  const dUp = zeros(up, up.length);
  for (let i = 0; i < gate.length; i++) {
    const g = gate[i] ?? 0;
    const d = dy[i] ?? 0;
    const open = 1 / (1 + Math.exp(-g));
    dGate[i] = d * (up[i] ?? 0) * open * (1 + g * (1 - open));
    dUp[i] = d * g * open;
  }
  return { gate: dGate, up: dUp };
}
