/** @file Where plans that were measured are kept: in memory, in a file, or wherever a user likes. */

import { refuse } from "../../spec/diagnostics/diagnostic";

/**
 * Keeps plans by a key that names graph, sizes and device. A `Map` is one; `get` and `set` may also give promises. What `get`
 * gives is JSON from outside: it is read whole or refused.
 */
export interface PlanStore {
  get(key: string): unknown;
  set(key: string, plan: unknown): unknown;
}

/** What `tune` may be told. */
export interface TuneOptions {
  /** Where choices are found and kept; unless given, in memory, for as long as the device is open. */
  readonly plans?: PlanStore;
  /** The time now, in any unit; `performance.now` unless given. */
  readonly clock?: () => number;
}

/** A store that can say what it holds. */
export interface PlanFile extends PlanStore {
  readonly entries: readonly (readonly [key: string, plan: unknown])[];
}

/**
 * A JSON file as a store; it need not be there yet. In Node only.
 * @throws KvernError KV5001 for a file that cannot be read; KV5401 for one that holds something else
 */
export async function planFile(file: string): Promise<PlanFile> {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  if (process?.versions?.node === undefined) refuse({ code: "KV5001", file, message: "there are no files here", mend: "Give `plans` a store of your own: a Map, or what keeps JSON." });
  return (await import("./file.node")).planFile(file);
}
