/** @file Cache formats, written in the language. `spec/formats.md` says how each lies in memory. */

export { coupled, encodeCoupled, nearestCode, type Coupling } from "./coupled";
export { fullPrecision } from "./full-precision";
export { segmented } from "./segmented";
export { encodePerChannel, encodePerToken, perChannel, perToken, scalesPerChannel, scalesPerToken, type Spacing } from "./uniform";
export type { CacheAxes } from "./axes";
