import { readFileSync } from "node:fs";
import { fromBrains, fromHalves } from "../../spec/tensor/half";
import type { Weight } from "./weights";
export function readWeights(path: string): Promise<Map<string, Weight>> {
  const b = readFileSync(path);
  const n = Number(b.readBigUInt64LE(0));
  const h = JSON.parse(b.subarray(8, 8 + n).toString()) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  const m = new Map<string, Weight>();
  for (const [k, v] of Object.entries(h)) {
    if (k === "__metadata__") continue;
    const c = new Uint8Array(b.subarray(8 + n + v.data_offsets[0], 8 + n + v.data_offsets[1])).buffer;
    m.set(k, { shape: v.shape, data: v.dtype === "F16" ? fromHalves(new Uint16Array(c)) : v.dtype === "BF16" ? fromBrains(new Uint16Array(c)) : new Float32Array(c) });
  }
  return Promise.resolve(m);
}
