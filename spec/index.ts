/** @file What `import … from "kvern"` gives: the language and its library. */

export * from "./language";
export * from "./library";
export { KvernError, type Diagnostic } from "./diagnostics/diagnostic";
