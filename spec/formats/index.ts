/** @file Cache formats, written in the language. `spec/formats.md` says how each lies in memory. */

export { coupled, encodeCoupled, type Coupling } from "./coupled";
