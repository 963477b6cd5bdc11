/** @file A failure as something to paste and run. */

import type { Search } from "./fuzz";
import { printNumber } from "./number";
import type { Failure, Subject, Trial } from "./subject";

export interface Repro {
  /** What was wrong, in one line. */
  readonly title: string;
  /** The file of the kernel: the one given, or one to be written. */
  readonly kernelFile: string;
  /** A command that runs the kernel on the inputs. */
  readonly command: string;
  /** The text of the file that tells everything: the kernel, if it was made up, its inputs, and the command. */
  readonly text: string;
}

/** What `kvern run` has no backend of that name for. */
const SEARCHED: readonly string[] = ["simulator", "graph"];

/**
 * @param name of the files to be written, without an end
 * @param seed that finds the failure again
 * @param search on which backend it was found, and by which command where that is not `kvern`
 * @param source the kernel's text, if it was made up; it becomes part of the file
 */
export function reproOf(name: string, seed: number, subject: Subject, trial: Trial, failure: Failure, { backend, again }: Pick<Search, "backend" | "again">, kernelFile: string, source: string | undefined): Repro {
  const kernel = subject.serialised.name;
  const set = Object.entries(subject.set(trial)).map(([axis, size]) => ` --set ${axis}=${size}`).join("");
  const inputs = subject.inputs(trial);
  const given = Object.keys(inputs).length === 0 ? "" : ` --in ${name}.safetensors`;
  // Backends of the search alone run no file.
  const searched = source === undefined ? `kvern fuzz ${kernelFile} --kernel ${kernel}${subject.options}` : "kvern fuzz";
  const command = again !== undefined ? again(seed) : SEARCHED.includes(backend) ? `${searched} --backend ${backend} --runs 1 --seed ${seed}` : `kvern run ${kernelFile} --kernel ${kernel}${given} --out out.safetensors --backend ${backend}${set}`;
  const title = titleOf(failure, backend);
  const lines = Object.entries(inputs).map(([input, { shape, data }]) => `//   "${input}": { shape: [${shape.join(", ")}], data: [${Array.from(data, printNumber).join(", ")}] }`);
  const text = [`// ${title}`, `// ${command}`, "// inputs:", ...lines, "", source ?? `// The kernel is \`${kernel}\` of ${kernelFile}.`].join("\n");
  return { title, kernelFile, command, text: `${text.trimEnd()}\n` };
}

function titleOf(failure: Failure, backend: string): string {
  if (failure.kind === "fault") return failure.text.replaceAll("\n", " ");
  const { output, at, got, expected, bound } = failure.difference;
  const by = failure.plan === undefined ? backend : `${backend} (${failure.plan})`;
  return `${output}[${at.join(", ")}] is ${printNumber(got)} on ${by} and ${printNumber(expected)} by the interpreter, which allows a difference of ${printNumber(bound)}`;
}
