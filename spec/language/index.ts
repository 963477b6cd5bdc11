/** @file The language: what a kernel is written in, beside JavaScript's own operators and `Math`. */

export { axis, joined, type Axis, type Index } from "./axis";
export { encoded, type EncodedSpec } from "./encoded";
export { evaluate, type ComputedTensor, type EvaluateOptions, type InputTensors, type OutputTensors, type TensorNames } from "./evaluate";
export type { EncodedInput, Inputs, Readers } from "./inputs";
export { kernel, type Elements, type Kernel, type Outputs } from "./kernel";
export { clamp, groupOf } from "./positions";
export type { Reader } from "./reader";
export { all, any, argmax, argmin, max, min, sum } from "./reductions";
export { extent } from "./sizes";
export { f16, f32, i32, u32, uint, type ElementType, type TensorOf, type TensorSpec } from "./tensor-spec";
export type { TensorData } from "../tensor";
