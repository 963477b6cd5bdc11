/** @file Several temporaries in one buffer, where a dispatch would bind more buffers than the device has room for. */

import type { GraphBuilder } from "../../../spec/graph/builder";
import type { Value } from "../../../spec/graph/node";
import { arraysOf } from "../../kernel/access";
import type { Kernel, KernelArray } from "../../kernel/kernel";
import { countOf } from "../../kernel/layout";
import { storageBuffers } from "./legal";
import type { Scheduled } from "./schedule";

/** The same kernels, in which what one dispatch writes shares a buffer wherever that dispatch binds more than `most`. */
export function packed(builder: GraphBuilder, scheduled: Scheduled, most: number): Scheduled {
  let current = scheduled;
  for (const [at, kernel] of scheduled.kernels.entries()) {
    const now = current.kernels[at] ?? kernel;
    if (storageBuffers(now) <= most) continue;
    const { written } = arraysOf(now.body);
    const together = now.arrays.filter(({ name, element, arena }) => arena === undefined && written.has(name) && element.kind === "f32" && current.temporaries.includes(name));
    if (together.length > 1) current = share(builder, current, `${now.name} state`, together);
    // What one dispatch has written for this one to read.
    for (const writer of current.kernels) {
      if (storageBuffers(current.kernels[at] ?? kernel) <= most) break;
      const made = arraysOf(writer.body).written;
      const read = (current.kernels[at] ?? kernel).arrays.filter(({ name, element, arena }) => arena === undefined && made.has(name) && element.kind === "f32" && current.temporaries.includes(name));
      if (writer !== current.kernels[at] && read.length > 1) current = share(builder, current, `${writer.name} state`, read);
    }
  }
  return current;
}

function share(builder: GraphBuilder, { kernels, arrays, temporaries }: Scheduled, name: string, together: readonly KernelArray[]): Scheduled {
  const offsets = new Map<string, Value>();
  let length: Value = builder.zero;
  for (const { name: part, shape } of together) {
    offsets.set(part, length);
    length = builder.add(length, countOf(builder, shape));
  }
  const whole: KernelArray = { name, shape: [length], element: { kind: "f32" }, space: "buffer", infinite: together.some(({ infinite }) => infinite) };
  const placed = (array: KernelArray, space: KernelArray["space"]): KernelArray => {
    const offset = offsets.get(array.name);
    return offset === undefined ? array : { ...array, space, arena: { array: name, offset } };
  };
  const moved = kernels.map((kernel): Kernel => {
    const parts = kernel.arrays.filter((array) => offsets.has(array.name));
    if (parts.length === 0) return kernel;
    const space = parts.some((array) => array.space === "buffer") ? "buffer" : "input";
    return { ...kernel, arrays: [...kernel.arrays.map((array) => placed(array, space)), { ...whole, space }] };
  });
  return {
    kernels: moved,
    arrays: new Map([...[...arrays].map(([key, array]) => [key, placed(array, "buffer")] as const), [name, whole]]),
    temporaries: [...temporaries.filter((temporary) => !offsets.has(temporary)), name],
  };
}
