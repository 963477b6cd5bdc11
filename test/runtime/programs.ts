/** @file Programs written by hand, as the compiler's back half would make them. */

import type { Dispatch, Program, ProgramArray, Sizes } from "../../compiler/program";
import type { Element, Tensor } from "../../spec/graph/node";
import { shapeOf } from "../../spec/tensor/check";

const f32: Element = { kind: "f32" };

interface Draft {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly (Tensor & { readonly infinite?: boolean })[];
  readonly temporaries?: readonly Tensor[];
  readonly dispatches: readonly (Pick<Dispatch, "name" | "code" | "bindings" | "uniforms"> & { readonly threads: (sizes: Sizes) => number })[];
}

const WORKGROUP = 64;

/** A program of one-dimensional dispatches of 64 invocations, of which `threads` are needed. */
export function programOf({ name, inputs, outputs, temporaries = [], dispatches }: Draft): Program {
  const arrays = [...inputs, ...outputs, ...temporaries].map((tensor): [string, ProgramArray] => {
    const infinite = "infinite" in tensor && tensor.infinite === true ? { infinite: true } : {};
    return [tensor.name, { name: tensor.name, element: tensor.element, shape: (sizes) => shapeOf(tensor.axes, sizes), ...infinite }];
  });
  return {
    kernel: name,
    inputs,
    outputs,
    fixed: {},
    arrays: new Map(arrays),
    temporaries: temporaries.map((tensor) => tensor.name),
    dispatches: dispatches.map(({ threads, ...dispatch }) => ({
      ...dispatch,
      workgroupSize: WORKGROUP,
      workgroups: (sizes) => [Math.ceil(threads(sizes) / WORKGROUP), 1, 1],
      workgroupBytes: 0,
    })),
  };
}

const size = (axis: string) => (sizes: Sizes): number => sizes[axis] ?? 0;

/** out[n] = x[n] · factor, one dispatch. */
export function scaled(factor = 2): Program {
  return programOf({
    name: "scale",
    inputs: [{ name: "x", element: f32, axes: ["n"] }],
    outputs: [{ name: "out", element: f32, axes: ["n"] }],
    dispatches: [{
      name: "scale",
      bindings: [{ array: "x", access: "read" }, { array: "out", access: "read_write" }],
      uniforms: ["n"],
      threads: size("n"),
      code: `struct Sizes { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < sizes.n) { result[id.x] = x[id.x] * ${factor}.0; }
}`,
    }],
  });
}

/** out[n] = (x[n] + y[n])², the sum in a temporary; two dispatches. */
export function squaredSum(): Program {
  return programOf({
    name: "squaredSum",
    inputs: [{ name: "x", element: f32, axes: ["n"] }, { name: "y", element: f32, axes: ["n"] }],
    outputs: [{ name: "out", element: f32, axes: ["n"] }],
    temporaries: [{ name: "sum", element: f32, axes: ["n"] }],
    dispatches: [
      {
        name: "add",
        bindings: [{ array: "x", access: "read" }, { array: "y", access: "read" }, { array: "sum", access: "read_write" }],
        uniforms: ["n"],
        threads: size("n"),
        code: `struct Sizes { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < sizes.n) { total[id.x] = x[id.x] + y[id.x]; }
}`,
      },
      {
        name: "square",
        bindings: [{ array: "sum", access: "read" }, { array: "out", access: "read_write" }],
        uniforms: ["n"],
        threads: size("n"),
        code: `struct Sizes { n: u32 }
@group(0) @binding(0) var<storage, read> total: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@group(0) @binding(2) var<uniform> sizes: Sizes;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < sizes.n) { result[id.x] = total[id.x] * total[id.x]; }
}`,
      },
    ],
  });
}

/** out[row, n] = x[row, n], word by word: whatever the element type, storage goes through unchanged. */
export function copied(element: Element, words: (sizes: Sizes) => number): Program {
  return programOf({
    name: "copy",
    inputs: [{ name: "x", element, axes: ["row", "n"] }],
    outputs: [{ name: "out", element, axes: ["row", "n"], infinite: true }],
    dispatches: [{
      name: "copy",
      bindings: [{ array: "x", access: "read" }, { array: "out", access: "read_write" }],
      uniforms: [],
      threads: words,
      code: `@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { result[id.x] = x[id.x]; }
}`,
    }],
  });
}

/** A text in the place of `scaled`'s. */
export function faulty(code: string): Program {
  const program = scaled();
  return { ...program, dispatches: program.dispatches.map((dispatch) => ({ ...dispatch, code })) };
}
