/** @file What a browser does with a cache: it is created, appended to, attended to, saved, loaded, and attended to again. */

import { createCache, loadCache, openDevice, writeSafetensors, type CachedTokens, type CacheSpec, type TensorData } from "../../runtime/index";

/** A tensor as JSON. */
export interface Plain {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Work {
  readonly spec: CacheSpec;
  /** The kernel, serialised. */
  readonly graph: unknown;
  readonly q: Plain;
  /** Of one layer, one append after the other. */
  readonly appends: readonly { readonly keys: Plain; readonly values: Plain }[];
}

type Outputs = Readonly<Record<string, Plain>>;

export interface Worked {
  readonly backend: string;
  readonly attended: Outputs;
  readonly attendedLoaded: Outputs;
  readonly tokens: CachedTokens;
  readonly loadedTokens: CachedTokens;
  /** What a file with one changed byte came to. */
  readonly damaged: string;
}

const plain = ({ shape, data }: TensorData): Plain => ({ shape, data: Array.from(data) });
const plains = (outputs: Readonly<Record<string, TensorData>>): Outputs => Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, plain(tensor)]));
const reals = ({ shape, data }: Plain): TensorData => ({ shape, data: Float32Array.from(data) });

async function report({ spec, graph, q, appends }: Work): Promise<Worked> {
  const device = await openDevice({ debug: { poison: true, guard: 256 } });
  const kernel = await device.prepare(graph);
  const cache = await createCache(spec, device);
  for (const { keys, values } of appends) await cache.append(0, reals(keys), reals(values));
  const attend = async (of: typeof cache): Promise<Outputs> => plains(await kernel.run({ q: reals(q), ...of.layer(0).tensors() }));
  const attended = await attend(cache);
  const { tokens } = cache.layer(0);
  const { tensors, metadata } = await cache.save();
  const file = writeSafetensors(tensors, { metadata });
  await cache.close();
  const loaded = await loadCache(file, device);
  const attendedLoaded = await attend(loaded);
  const changed = file.slice();
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  const damaged = await loadCache(changed, device).then(() => "loaded", (fault: unknown) => String(fault));
  const loadedTokens = loaded.layer(0).tokens;
  await loaded.close();
  await device.close();
  return { backend: device.backend, attended, attendedLoaded, tokens, loadedTokens, damaged };
}

Object.assign(globalThis, { report });
