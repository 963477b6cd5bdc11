/** @file The score of a set of results, with the error of sampling. */

import { FOLDERS } from "./list.mjs";

const DETECTED = new Set(["Killed", "Timeout"]);
const COUNTED = new Set([...DETECTED, "Survived", "NoCoverage"]);

/** Wilson's interval of 95 % for a share of `hits` among `count`. */
export function interval(hits, count) {
  if (count === 0) return [0, 1];
  const z = 1.959964;
  const share = hits / count;
  const centre = (share + (z * z) / (2 * count)) / (1 + (z * z) / count);
  const half = (z / (1 + (z * z) / count)) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** @returns a line for each folder and one for all; mutants that Stryker ignores, since they act only as modules load, and that do not run are not counted */
export function scoreLines(results) {
  const percent = (share) => (100 * share).toFixed(1).padStart(5);
  const line = (name, list) => {
    const counted = list.filter(({ status }) => COUNTED.has(status));
    const of = (...statuses) => list.filter(({ status }) => statuses.includes(status)).length;
    const hits = counted.filter(({ status }) => DETECTED.has(status)).length;
    const [low, high] = interval(hits, counted.length);
    const score = counted.length === 0 ? "    -" : percent(hits / counted.length);
    return `${name.padEnd(18)}${String(list.length).padStart(6)}${String(of("Killed")).padStart(8)}${String(of("Timeout")).padStart(9)}${String(of("Survived")).padStart(10)}${String(of("NoCoverage")).padStart(10)}${String(list.length - counted.length).padStart(9)}   ${score} %  [${percent(low)}, ${percent(high)}]`;
  };
  return [
    `${"folder".padEnd(18)}${"mutants".padStart(6)}${"killed".padStart(7)}${"timeout".padStart(9)}${"survived".padStart(10)}${"uncovered".padStart(10)}${"ignored".padStart(9)}   score    95 %`,
    ...FOLDERS.map((folder) => line(folder, results.filter(({ file }) => file.startsWith(folder)))),
    line("all", results),
  ];
}

/** Of all results, killed and timed out over those that count. */
export function scoreOf(results) {
  const counted = results.filter(({ status }) => COUNTED.has(status));
  return counted.length === 0 ? 1 : counted.filter(({ status }) => DETECTED.has(status)).length / counted.length;
}
