/** @file How peers are timed, and that gpu.js ran what was timed in the mode that was meant. */

import type { CompiledPipeline, GpuJsMode } from "../../runtime/gpujs/library";

export const middle = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;

/** Milliseconds. */
export async function timed(action: () => unknown): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

/** gpu.js takes another mode silently where one fails; that which draws it calls `gpu`. */
export function checkMode({ backend, fallbackReason }: CompiledPipeline, mode: GpuJsMode): void {
  if (backend !== (mode === "webgl2" ? "gpu" : mode)) throw new Error(`a chain written by hand for ${mode} ran in ${backend}: ${fallbackReason ?? "gpu.js does not say why"}`);
}
