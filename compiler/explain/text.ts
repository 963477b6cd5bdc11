/** @file An explanation as people read it, in lines of at most so many columns. */

import type { Sizes } from "../program";
import type { DispatchExplanation, Explanation } from "./explain";

/** What is known of the sizes beside the explanation. */
export interface SizesAsked {
  /** Axes whose sizes are not known. */
  readonly open?: readonly string[];
  /** Sizes that follow from those given. */
  readonly inferred?: Sizes;
}

const LABEL = 12;

/** The explanation as text, without a line feed at the end. */
export function explanationText(explanation: Explanation, { open = [], inferred = {} }: SizesAsked = {}, columns = 100): string {
  const { kernel, backend, sizes, dispatches, bytesMoved, bytesMovedOnce, compulsoryBytes, operations, operationsAsWritten, rewrites, refused } = explanation;
  const given = Object.entries(sizes).filter(([axis]) => !(axis in inferred));
  const follows = Object.entries(inferred);
  const sizeText = (list: readonly (readonly [string, number])[]): string => list.map(([axis, size]) => `${axis} ${figure(size)}`).join(", ");
  const lines = [
    `${kernel}: ${backend === "gpujs" ? counted(dispatches.length, "kernel of gpu.js", "kernels of gpu.js") : counted(dispatches.length, "dispatch", "dispatches")}`,
    ...(open.length === 0 ? [] : labelled("unknown", `? depends on sizes: give ${open.map((axis) => `--set ${axis}=n`).join(" ")}`, columns)),
    ...(given.length === 0 ? [] : labelled("sizes", sizeText(given), columns)),
    ...(follows.length === 0 ? [] : labelled("", `taken from the other sizes: ${sizeText(follows)}`, columns)),
    ...labelled("bytes", `${figure(bytesMoved)} moved${ratio(bytesMoved, compulsoryBytes)} the ${figure(compulsoryBytes)} of every input and output once`, columns),
    ...(bytesMovedOnce === bytesMoved ? [] : labelled("", `${figure(bytesMovedOnce)}${ratio(bytesMovedOnce, compulsoryBytes)} it, where a cache serves what several ${backend === "gpujs" ? "threads of a kernel" : "workgroups of a dispatch"} share`, columns)),
    ...labelled("operations", `${figure(operations)} planned${operationsAsWritten === null ? "" : `, ${figure(operationsAsWritten)} as written`}`, columns),
  ];
  dispatches.forEach((dispatch, at) => lines.push("", ...dispatchLines(dispatch, at + 1, backend, columns)));
  lines.push("", rewrites.length === 0 ? "no rewrites" : "rewrites");
  for (const { rule, at, what, proof } of rewrites) lines.push(...entry(rule, at, what, proof, columns));
  if (refused.length > 0) lines.push("", "refused");
  for (const { rule, at, what, why } of refused) lines.push(...entry(rule, at, what, why, columns));
  return lines.join("\n");
}

function dispatchLines(dispatch: DispatchExplanation, number: number, backend: Explanation["backend"], columns: number): readonly string[] {
  const { name, workgroups, workgroupSize, bytesRead, bytesWritten, operations, workgroupBytes, storageBuffers, traffic, guards, nest } = dispatch;
  const of = (pick: "read" | "written"): string => {
    const moved = (traffic ?? []).filter((each) => each[pick] > 0).sort((a, b) => b[pick] - a[pick]);
    return moved.length === 0 ? "" : `: ${moved.map((each) => `${each.array} ${figure(each[pick])}`).join(", ")}`;
  };
  return [
    `${number}. ${name}`,
    ...labelled("", backend === "gpujs"
      ? `${counted(workgroups, "thread", "threads")}, ${counted(storageBuffers, "array", "arrays")}`
      : `${counted(workgroups, "workgroup", "workgroups")} of ${workgroupSize} lanes, ${figure(workgroupBytes)} bytes of workgroup memory, ${counted(storageBuffers, "storage buffer", "storage buffers")}`, columns, 3),
    ...labelled("reads", `${figure(bytesRead)} bytes${of("read")}`, columns, 3),
    ...labelled("writes", `${figure(bytesWritten)} bytes${of("written")}`, columns, 3),
    ...labelled("operations", figure(operations), columns, 3),
    ...(guards ?? []).flatMap(({ guard, share, live, mixed, dead }) =>
      labelled("where", `${guard} holds at ${percent(share)} of positions; of the ${backend === "gpujs" ? "threads" : "workgroups"} it is live in ${figure(live)}, mixed in ${figure(mixed)}, dead in ${figure(dead)}`, columns, 3)),
    ...nest.flatMap((line) => wrapped(`   ${line}`, columns)),
  ];
}

/** A rule, where, and what there was to say, indented below. */
function entry(rule: string, at: string, what: string, said: string | undefined, columns: number): readonly string[] {
  const head = at === what ? wrapped(`  ${rule} at ${what}`, columns) : [...wrapped(`  ${rule} at ${at}`, columns), ...wrapped(`      ${what}`, columns)];
  return said === undefined ? head : [...head, ...wrapped(`      ${said}`, columns)];
}

const labelled = (label: string, text: string, columns: number, indent = 0): readonly string[] => {
  const from = indent + (label === "" && indent > 0 ? 0 : LABEL);
  const [first = "", ...rest] = folded(text, columns - from, 0);
  return [`${(" ".repeat(indent) + label).padEnd(from)}${first}`, ...rest.map((line) => `${" ".repeat(from)}${line}`)];
};

/** A line that is too long goes on below, further in. */
function wrapped(line: string, columns: number): readonly string[] {
  const text = line.trimStart();
  const indent = Math.min(line.length - text.length, columns / 2);
  const [first = "", ...rest] = folded(text, columns - indent, 4);
  return [`${" ".repeat(indent)}${first}`, ...rest.map((part) => `${" ".repeat(indent + 4)}${part}`)];
}

/** Text in lines of at most `width` columns, those after the first `less` narrower; broken at spaces where there are any. */
function folded(text: string, width: number, less: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  for (let room = width; rest.length > room; room = width - less) {
    const at = rest.lastIndexOf(" ", room);
    const cut = at > room / 3 ? at : room;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

const counted = (count: number | null, one: string, many: string): string => `${figure(count)} ${count === 1 ? one : many}`;

const figure = (number: number | null): string => (number === null ? "?" : number.toLocaleString("en"));

const percent = (share: number): string => `${(100 * share).toLocaleString("en", { maximumFractionDigits: 1 })} %`;

function ratio(moved: number | null, compulsory: number | null): string {
  if (moved === null || compulsory === null || compulsory === 0) return ", against";
  return `, ${(moved / compulsory).toLocaleString("en", { maximumFractionDigits: 2, minimumFractionDigits: 2 })} ×`;
}
