/** @file Which of several ways to do the same takes least time on the machine at hand. */

/** Rounds in which each is timed once. */
const ROUNDS = 7;

/**
 * Median times, in the order of `ways`: each is run once untimed, then all in turn, round after round and each round
 * beginning with another, so that what slows the machine down for a while slows all of them.
 */
export async function measured(ways: readonly (() => Promise<void>)[], clock: () => number): Promise<readonly number[]> {
  for (const way of ways) await way();
  const times: number[][] = ways.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const at = (round + turn) % ways.length;
      const before = clock();
      await ways[at]?.();
      times[at]?.push(clock() - before);
    }
  }
  return times.map((each) => [...each].sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Infinity);
}
