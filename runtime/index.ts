/**
 * @file `kvern/runtime`: runs compiled kernels, in Node and in browsers. No TypeScript, no front end: what `kvern build`
 * wrote or `compileFile` returned is all it needs.
 */

export { openDevice, BACKEND_NAMES, type BackendName, type OpenOptions } from "./open";
export type { BufferTensor, Device, DeviceInfo, DeviceTensor, PreparedKernel, PrepareOptions, RowCopy, RunInput, RunInputs, Runnable, RunOptions } from "./device";
export type { RowPlace } from "./rows";
export { createCache, type AppendOptions, type Cache, type CacheBytes, type CacheLayer, type CacheMemory } from "./cache/cache";
export { loadCache } from "./cache/load";
export type { SavedCache } from "./cache/save";
export type { CachedTokens, CacheFormat, CacheLayerSpec, CacheSpec, CodedFormat, PlainFormat } from "./cache/spec";
export { planFile, type PlanStore, type TuneOptions } from "./tuning/store";
export type { Explanation } from "../compiler/explain/explain";
export type { Limits } from "./webgpu/gpu";
export { tensor, type Numbers, type TensorData } from "../spec/tensor/tensor";
export { packCodes, unpackCodes } from "../spec/tensor/packing";
export { readSafetensors, type FileTensor, type TensorFile } from "./safetensors/read";
export { writeSafetensors, type WritableTensor, type WriteOptions } from "./safetensors/write";
export { readSafetensorsFile, writeSafetensorsFile } from "./safetensors/files";
export { learnCodebook, type CoupledFormat, type LearnedCodebook, type LearnOptions } from "./codebook/coupled";
export { openLearner, type OpenLearner } from "./codebook/learner";
export { deviceLearner } from "./codebook/device";
export type { GroupLearner, GroupProblem, GroupReport, LearnedGroup } from "./codebook/group";
export type { Dtype } from "./safetensors/dtype";
export { InternalError, KvernError, type Diagnostic } from "../spec/diagnostics/diagnostic";
