/** @file The inside of a worker thread that `WorkerPool` keeps. */

import { KvernError, type Diagnostic } from "../../spec/diagnostics/diagnostic";

const { parentPort } = process.getBuiltinModule("node:worker_threads");

/** What a worker answers a task with. */
export type Answer<Result> =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "refused"; readonly diagnostics: readonly [Diagnostic, ...Diagnostic[]] }
  | { readonly kind: "failed"; readonly message: string };

/** Answers every task that comes from the pool, one at a time, with what `work` makes of it. */
export function serve(work: (task: unknown) => unknown): void {
  parentPort?.on("message", (task: unknown) => parentPort.postMessage(answer(() => work(task))));
}

function answer(work: () => unknown): Answer<unknown> {
  try {
    return { kind: "result", result: work() };
  } catch (fault) {
    if (fault instanceof KvernError) {
      const [first, ...rest] = fault.diagnostics;
      if (first !== undefined) return { kind: "refused", diagnostics: [first, ...rest] };
    }
    return { kind: "failed", message: fault instanceof Error ? (fault.stack ?? fault.message) : String(fault) };
  }
}
