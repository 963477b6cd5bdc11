/** @file Which arrays are declared in fours, so that four neighbours that are used together are one access. */

import { asLinear } from "../../spec/graph/builder";
import { accessesOf } from "../kernel/access";
import { holdsHalves } from "../kernel/halves";
import type { Kernel, KernelArray, Node, Stage } from "../kernel/kernel";
import { fixedSize } from "../kernel/layout";
import { quarters } from "./memory";
import { blockOf } from "./nodes";
import type { Writer } from "./writer";

/** Whether an array may be declared in fours, by its shape and place. */
function mayBeWide(array: KernelArray, arrays: readonly KernelArray[]): boolean {
  if ((array.element.kind !== "f32" && !holdsHalves(array)) || array.arena !== undefined || arrays.some(({ arena }) => arena?.array === array.name)) return false;
  if (array.space === "register" || array.space === "private") return false;
  const last = array.shape.at(-1);
  return last?.kind === "constant" && last.value % 4 === 0;
}

/** Arrays of which every access is one of four aligned neighbours, and some four are used together: as they were written. */
export function wideArrays(x: Writer, arrays: readonly KernelArray[]): ReadonlySet<string> {
  const wide = arrays.filter((array) => {
    if (!mayBeWide(array, arrays)) return false;
    const found = [...(x.addresses.get(array.name) ?? [])].map((address) => quarters(x, address));
    const rests = new Set(found.map((four) => four?.[1]));
    return found.length > 0 && !rests.has(undefined) && rests.size === 4;
  });
  return new Set(wide.map(({ name }) => name));
}

/** The same as far as it can be told before a kernel is written: from the last index of every access, for the copies that will be made. */
export function guessWide({ arrays, body }: Kernel): ReadonlySet<string> {
  const rests = new Map(arrays.filter((array) => mayBeWide(array, arrays)).map(({ name }) => [name, new Set<number>()]));
  const inStage = (stage: Stage): void => {
    const copies = new Map(blockOf(stage).map((axis) => [axis.name, fixedSize(axis)]));
    const { reads, writes } = accessesOf(stage);
    for (const { array, indices } of [...reads, ...writes]) {
      const found = rests.get(array);
      const last = indices.at(-1);
      if (found === undefined || last === undefined) continue;
      const { constant, terms } = asLinear(last);
      let here: readonly number[] = [constant];
      for (const [k, term] of terms) {
        if (k % 4 === 0) continue;
        const size = term.kind === "index" ? copies.get(term.name) : undefined;
        if (size === undefined) rests.delete(array);
        else here = here.flatMap((at) => Array.from({ length: Math.min(size, 4) }, (_, copy) => at + k * copy));
      }
      for (const at of here) found.add(((at % 4) + 4) % 4);
    }
  };
  const inNode = (node: Node): void => {
    if (node.kind === "loop") node.body.forEach(inNode);
    if (node.kind === "stage") inStage(node);
  };
  body.forEach(inNode);
  return new Set([...rests].filter(([, found]) => found.size === 4).map(([name]) => name));
}
