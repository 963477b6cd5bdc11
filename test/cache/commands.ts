/** @file Commands that change a cache and its model alike, each followed by a comparison of all they hold. */

import fc from "fast-check";
import { expect } from "vitest";

import type { Cache } from "../../runtime/cache/cache";
import { loadCache } from "../../runtime/cache/load";
import { PARTS, SIDES } from "../../runtime/cache/spec";
import type { PreparedKernel, RunInput } from "../../runtime/device";
import { isBufferTensor, isDeviceTensor } from "../../runtime/kernel";
import { readSafetensors } from "../../runtime/safetensors/read";
import { writeSafetensors } from "../../runtime/safetensors/write";
import { elementCount, type TensorData } from "../../spec/tensor/tensor";
import { expectAttention } from "./attend";
import type { Model } from "./model";
import { onGrid } from "./samples";

/** A cache, and forks that live beside it; each with its model. Commands act on one of them. */
export interface Real {
  caches: Cache[];
}
export interface Models {
  models: Model[];
}

type Command = fc.AsyncCommand<Models, Real>;

async function contents(input: RunInput): Promise<TensorData> {
  if (isDeviceTensor(input)) return input.read();
  if (isBufferTensor(input)) throw new Error("a cache gives tensors");
  return input;
}

/** Everything a cache holds is what its model holds, element by element. */
export async function expectSame(cache: Cache, model: Model): Promise<void> {
  const { sinks = 0, window = 0 } = model.spec;
  const parts = PARTS.filter((part) => part === "coded" || (part === "sinks" ? sinks : window) > 0);
  for (const [layer] of model.spec.layers.entries()) {
    for (let sequence = 0; sequence < model.batch; sequence++) {
      const view = cache.layer(layer, sequence);
      expect(view.length).toBe(model.length(layer, sequence));
      const tensors = view.tensors();
      for (const side of SIDES) {
        const held = model.contents(layer, sequence, side);
        expect(view.tokens).toEqual({ sinks: held.sinks.length, coded: held.coded.length, tail: held.tail.length });
        for (const part of parts) {
          const name = parts.length === 1 ? side : `${side}.${part}`;
          const input = tensors[name] ?? tensors[`${name}.codes`];
          if (input === undefined) throw new Error(`there is no ${name}`);
          const { shape, data } = await contents(input);
          expect(shape[0]).toBe(held[part].length);
          expect(Array.from(data), `${name} of layer ${layer}, sequence ${sequence}`).toEqual(held[part].flat());
          expect(elementCount(shape)).toBe(data.length);
        }
      }
    }
  }
}

/** Rows of a tensor [token, …] as lists. */
export function rows({ shape, data }: TensorData): number[][] {
  const width = elementCount(shape.slice(1));
  return Array.from({ length: shape[0] ?? 0 }, (_, row) => Array.from({ length: width }, (_each, at) => data[row * width + at] ?? NaN));
}

abstract class OfOne {
  constructor(readonly which: number) {}

  check(): boolean {
    return true;
  }

  protected pick(models: Models, real: Real): { readonly cache: Cache; readonly model: Model; readonly at: number } {
    const at = this.which % real.caches.length;
    const cache = real.caches[at];
    const model = models.models[at];
    if (cache === undefined || model === undefined) throw new Error("there is always a cache");
    return { cache, model, at };
  }
}

class Append extends OfOne implements Command {
  constructor(which: number, readonly counts: readonly number[], readonly seed: number, readonly onDevice: boolean) {
    super(which);
  }

  async run(models: Models, real: Real): Promise<void> {
    const { cache, model } = this.pick(models, real);
    const { heads, channels, layers } = model.spec;
    const counts = Array.from({ length: model.batch }, (_, at) => this.counts[at % this.counts.length] ?? 0);
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const layer of layers.keys()) {
      const [keys, values] = [1, 2].map((side) => onGrid([total, heads, channels], 1000 * this.seed + 10 * layer + side));
      if (keys === undefined || values === undefined) throw new Error("two sides");
      const given = this.onDevice ? await Promise.all([keys, values].map((x) => cache.device.upload({ kind: "f32" }, x))) : [keys, values];
      const [k = keys, v = values] = given;
      await cache.append(layer, k, v, { counts });
      for (const each of given) if ("destroy" in each) each.destroy();
      model.append(layer, rows(keys), rows(values), counts);
    }
    await expectSame(cache, model);
  }

  override toString(): string {
    return `append ${this.counts.join("+")}${this.onDevice ? " from the device" : ""} to ${this.which}`;
  }
}

class Truncate extends OfOne implements Command {
  constructor(which: number, readonly keep: number, readonly sequence: number) {
    super(which);
  }

  async run(models: Models, real: Real): Promise<void> {
    const { cache, model } = this.pick(models, real);
    const sequence = this.sequence % model.batch;
    const length = Math.floor(this.keep * cache.length(sequence));
    await cache.truncate(length, sequence);
    model.truncate(length, [sequence]);
    await expectSame(cache, model);
  }

  override toString(): string {
    return `truncate sequence ${this.sequence} of ${this.which} to ${this.keep}`;
  }
}

class Fork extends OfOne implements Command {
  constructor(which: number, readonly sequences: readonly number[]) {
    super(which);
  }

  async run(models: Models, real: Real): Promise<void> {
    const { cache, model } = this.pick(models, real);
    const sequences = this.sequences.map((sequence) => sequence % model.batch);
    const before = cache.memory().total;
    const fork = await cache.fork(sequences);
    // Nothing has been copied.
    expect(cache.memory()).toEqual({ ...cache.memory(), total: before });
    expect(fork.memory().total).toBe(fork.memory().shared);
    real.caches.push(fork);
    models.models.push(model.fork(sequences));
    await expectSame(fork, model.fork(sequences));
    if (real.caches.length > 3) {
      await real.caches.shift()?.close();
      models.models.shift();
    }
  }

  override toString(): string {
    return `fork ${this.which} as ${this.sequences.join(",")}`;
  }
}

class Clear extends OfOne implements Command {
  async run(models: Models, real: Real): Promise<void> {
    const { cache, model } = this.pick(models, real);
    await cache.clear();
    model.truncate(0, Array.from({ length: model.batch }, (_, at) => at));
    await expectSame(cache, model);
  }

  override toString(): string {
    return `clear ${this.which}`;
  }
}

class SaveAndLoad extends OfOne implements Command {
  async run(models: Models, real: Real): Promise<void> {
    const { cache, model, at } = this.pick(models, real);
    const { tensors, metadata } = await cache.save();
    const loaded = await loadCache(readSafetensors(writeSafetensors(tensors, { metadata })), cache.device);
    await expectSame(loaded, model);
    expect((await loaded.save()).metadata).toEqual(metadata);
    await cache.close();
    real.caches[at] = loaded;
  }

  override toString(): string {
    return `save and load ${this.which}`;
  }
}

/** With up to 8 newest tokens as queries, under a mask, a soft cap and a sliding window. */
export class Attend extends OfOne implements Command {
  constructor(readonly kernel: PreparedKernel, which: number, readonly sequence: number, readonly queries: number) {
    super(which);
  }

  async run(models: Models, real: Real): Promise<void> {
    const { cache, model } = this.pick(models, real);
    const sequence = this.sequence % model.batch;
    const queries = Math.min(this.queries, model.length(0, sequence));
    await expectAttention(this.kernel, cache, model, { sequence, queries });
  }

  override toString(): string {
    return `attend with ${this.queries} over sequence ${this.sequence} of ${this.which}`;
  }
}

/** All the others stay as they were, whatever was done to one. */
class CompareAll extends OfOne implements Command {
  async run(models: Models, real: Real): Promise<void> {
    for (const [at, cache] of real.caches.entries()) {
      const model = models.models[at];
      if (model !== undefined) await expectSame(cache, model);
    }
  }

  override toString(): string {
    return "compare all";
  }
}

/** @param most tokens of a chunk, at the edges of which windows fill and room doubles */
export function commands(most: number, extra: readonly fc.Arbitrary<Command>[] = []): fc.Arbitrary<Iterable<Command>> {
  const which = fc.nat(5);
  const counts = fc.array(fc.oneof(fc.constant(1), fc.nat(most)), { minLength: 1, maxLength: 3 });
  return fc.commands([
    fc.tuple(which, counts, fc.nat(99), fc.boolean()).map((all) => new Append(...all)),
    fc.tuple(which, fc.constant([1]), fc.nat(99), fc.boolean()).map((all) => new Append(...all)),
    fc.tuple(which, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3)).map((all) => new Truncate(...all)),
    fc.tuple(which, fc.array(fc.nat(3), { minLength: 1, maxLength: 3 })).map((all) => new Fork(...all)),
    which.map((at) => new Clear(at)),
    which.map((at) => new SaveAndLoad(at)),
    which.map((at) => new CompareAll(at)),
    ...extra,
  ], { size: "medium" });
}
