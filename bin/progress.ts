/** @file A progress bar for what takes long, on a terminal only. */

import { SingleBar } from "cli-progress";

export interface Progress {
  /** Says what is being done, and how far it is. */
  show(what: string, done: number, total: number): void;
  /** Takes the bar away, so that something can be printed. */
  clear(): void;
}

/** A bar on the standard error stream, unless that is no terminal. */
export function progressBar(): Progress {
  if (!process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  const bar = new SingleBar({ format: "{what} {bar} {value}/{total}", stream: process.stderr, clearOnComplete: true, hideCursor: true });
  let shown: string | undefined;
  const clear = (): void => {
    if (shown !== undefined) bar.stop();
    shown = undefined;
  };
  return {
    clear,
    show: (what, done, total) => {
      if (shown !== what) {
        clear();
        bar.start(total, done, { what });
        shown = what;
      } else bar.update(done);
    },
  };
}
