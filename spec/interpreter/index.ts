/** @file The meaning of graphs: f64 values, one element at a time. */

export { interpret, type InterpretedTensor, type InterpretOptions } from "./interpret";
export type { SlotValue } from "./closure";
