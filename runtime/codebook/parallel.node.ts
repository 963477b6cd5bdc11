/** @file Groups learned in worker threads. */

import { WorkerPool, workerScript } from "../workers/pool.node";
import type { GroupProblem, LearnedGroup } from "./group";
import type { OpenLearner } from "./learner";

/** Learns up to `threads` groups at a time. */
export function parallelLearner(threads: number): OpenLearner {
  const pool = new WorkerPool<GroupProblem, LearnedGroup>(workerScript("codebook"), threads);
  return { width: threads, learn: (problem) => pool.run(problem), close: () => pool.close() };
}
