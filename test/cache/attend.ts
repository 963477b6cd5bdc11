/** @file Attention over a cache, held to the interpreter on plain arrays, within the bound that it carries. */

import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { compileFile } from "kvern/compiler";

import type { Cache } from "../../runtime/cache/cache";
import { SIDES } from "../../runtime/cache/spec";
import type { PreparedKernel, RunInput } from "../../runtime/device";
import { loadGraph } from "../../spec/graph/json";
import { interpretWithBound } from "../../spec/interpreter";
import { elementCount, type TensorData } from "../../spec/tensor/tensor";
import type { Model } from "./model";
import { onGrid } from "./samples";

export const { kernels } = await compileFile(fileURLToPath(new URL("attending.ts", import.meta.url)));

/** The inputs that the model's cache would give, as plain arrays. */
export function inputsOf(model: Model, layer: number, sequence: number): Record<string, TensorData> {
  const { heads, channels, layers, sinks = 0, window = 0 } = model.spec;
  const parts = (["sinks", "coded", "tail"] as const).filter((part) => part === "coded" || (part === "sinks" ? sinks : window) > 0);
  const inputs: Record<string, TensorData> = {};
  for (const side of SIDES) {
    const contents = model.contents(layer, sequence, side);
    const format = layers[layer]?.[side];
    for (const part of parts) {
      const name = parts.length === 1 ? side : `${side}.${part}`;
      const tokens = contents[part];
      if (part === "coded" && format !== undefined && "book" in format) {
        inputs[`${name}.codes`] = { shape: [tokens.length, heads, channels / format.couple], data: tokens.flat() };
        inputs[`${name}.book`] = format.book;
      } else inputs[name] = { shape: [tokens.length, heads, channels], data: tokens.flat() };
    }
  }
  return inputs;
}

/** Attends with `queries` queries, which must be no more than the tokens, two heads to each of the cache's. */
export async function expectAttention(kernel: PreparedKernel, cache: Cache, model: Model, { layer = 0, sequence = 0, queries = 1, more = {} }: { readonly layer?: number; readonly sequence?: number; readonly queries?: number; readonly more?: Record<string, TensorData> } = {}): Promise<void> {
  const { heads, channels } = model.spec;
  const q = onGrid([queries, 2 * heads, channels], 77 + queries);
  const inputs = { q, ...more };
  await expectWithinBound(kernel, kernels[kernel.name], { ...inputs, ...cache.layer(layer, sequence).tensors() }, { ...inputs, ...inputsOf(model, layer, sequence) });
}

/** What a kernel makes of inputs on its device is what its graph means of them as plain arrays, within the bound. */
export async function expectWithinBound(kernel: PreparedKernel, serialised: unknown, inputs: Readonly<Record<string, RunInput>>, plain: Readonly<Record<string, TensorData>>): Promise<void> {
  const found = await kernel.run(inputs);
  const { graph } = loadGraph(serialised);
  const meant = interpretWithBound(graph, plain);
  for (const [name, { shape, data, bound }] of Object.entries(meant)) {
    const output = found[name];
    expect(output?.shape).toEqual(shape);
    expect(output?.data.length).toBe(elementCount(shape));
    data.forEach((value, at) => {
      const got = output?.data[at] ?? NaN;
      expect(got === value || Math.abs(got - value) <= (bound[at] ?? NaN), `${name} ${at} of ${kernel.name}: ${got} where ${value} ± ${bound[at]} is right`).toBe(true);
    });
  }
}
