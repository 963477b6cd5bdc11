/** @file Worker threads that share out tasks, one each at a time. */

import type { Worker } from "node:worker_threads";
import { InternalError, KvernError } from "../../spec/diagnostics/diagnostic";
import type { Answer } from "./serve.node";

const threads = process.getBuiltinModule("node:worker_threads");

interface Job<Task, Result> {
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (fault: Error) => void;
}

export class WorkerPool<Task, Result> {
  readonly #idle: Worker[] = [];
  readonly #all: Worker[] = [];
  readonly #busy = new Map<Worker, Job<Task, Result>>();
  readonly #queue: Job<Task, Result>[] = [];
  #closed = false;

  /**
   * @param script the module of the workers: it calls `serve`. Modules of the package are built to `dist/workers`, where
   * `workerScript` finds them
   * @param data what every worker is given when it starts
   */
  constructor(script: URL, readonly size: number, data?: unknown) {
    for (let at = 0; at < size; at++) this.#start(script, data);
  }

  /** What a worker makes of a task. @throws what the worker threw */
  run(task: Task): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new InternalError("a task was given to a closed pool"));
        return;
      }
      this.#queue.push({ task, resolve, reject });
      this.#hand();
    });
  }

  /** Ends the workers; tasks that are not done are given up. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#queue.splice(0), ...this.#busy.values()];
    this.#busy.clear();
    await Promise.all(this.#all.map((worker) => worker.terminate()));
    for (const { reject } of open) reject(new InternalError("the pool was closed"));
  }

  #start(script: URL, data: unknown): void {
    const worker = new threads.Worker(script, { workerData: data });
    worker.on("message", (answer: Answer<Result>) => this.#take(worker, answer));
    worker.on("error", (fault) => this.#lose(worker, fault instanceof Error ? fault : new InternalError(String(fault))));
    worker.on("exit", () => this.#lose(worker, new InternalError("a worker thread ended early")));
    // A pool that has nothing to do does not keep the process alive.
    worker.unref();
    this.#all.push(worker);
    this.#idle.push(worker);
  }

  #hand(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const [worker, job] = [this.#idle.pop(), this.#queue.shift()];
      if (worker === undefined || job === undefined) return;
      this.#busy.set(worker, job);
      worker.ref();
      worker.postMessage(job.task);
    }
  }

  #take(worker: Worker, answer: Answer<Result>): void {
    const job = this.#busy.get(worker);
    this.#busy.delete(worker);
    this.#idle.push(worker);
    worker.unref();
    this.#hand();
    switch (answer.kind) {
      case "result": return job?.resolve(answer.result);
      case "refused": return job?.reject(new KvernError(answer.diagnostics));
      case "failed": return job?.reject(new InternalError(`in a worker thread: ${answer.message}`));
    }
  }

  /** A worker that ended is not replaced: the task it had fails, and with the last worker all that wait. */
  #lose(worker: Worker, fault: Error): void {
    this.#busy.get(worker)?.reject(fault);
    this.#busy.delete(worker);
    // What fails also exits: the second event finds it gone.
    for (const list of [this.#idle, this.#all]) {
      const at = list.indexOf(worker);
      if (at >= 0) list.splice(at, 1);
    }
    if (this.#all.length === 0) for (const { reject } of this.#queue.splice(0)) reject(fault);
  }
}

/** A module of `dist/workers`, wherever the bundle of the caller lies. */
export function workerScript(name: string): URL {
  return new URL(`dist/workers/${name}.js`, import.meta.resolve("kvern/package.json"));
}
