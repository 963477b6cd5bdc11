/** @file The meaning of graphs: f64 values, one element at a time, with a bound on what f32 makes of them. */

export { interpret, interpretWithBound, type BoundedTensor, type BoundOptions, type InterpretedTensor, type InterpretOptions } from "./interpret";
export type { SlotValue } from "./closure";
export { infinityTested } from "./infinity";
export { GPUJS, WGSL, type Accuracy } from "./bound/accuracy";
