/** @file A progress bar for what takes long, on a terminal only. */

import { SingleBar } from "cli-progress";

export interface Progress {
  update(done: number): void;
  stop(): void;
}

/** A bar on the standard error stream, unless that is no terminal or the bar is not wanted. */
export function progressBar(title: string, total: number, wanted: boolean): Progress {
  if (!wanted || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({ format: `${title} {bar} {value}/{total}`, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), stop: () => bar.stop() };
}
