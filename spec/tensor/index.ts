/** @file Tensors as data: the record they travel in, their storage, and what a kernel's signature asks of them. */

export * from "./tensor";
export * from "./element";
export * from "./packing";
export * from "./half";
export * from "./storage";
export * from "./check";
export * from "./names";
