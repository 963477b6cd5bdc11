/** @file Where groups are learned, by what the place offers. */

import { learnGroup, type GroupLearner } from "./group";

export interface OpenLearner extends GroupLearner {
  close(): Promise<void>;
}

/** A learner in up to `threads` worker threads in Node; elsewhere in this thread, whatever `threads` is. */
export async function openLearner(threads: number): Promise<OpenLearner> {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  if (process?.versions?.node !== undefined) return (await import("./parallel.node")).parallelLearner(threads);
  return { width: 1, learn: (problem) => Promise.resolve(learnGroup(problem)), close: () => Promise.resolve() };
}
