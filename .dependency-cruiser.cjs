/** The arrows of the house: spec <- compiler <- runtime <- bin; nothing points back. */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    { name: "spec-stands-alone", severity: "error", from: { path: "^spec" }, to: { path: "^(compiler|runtime|bin|examples|test)" } },
    { name: "compiler-knows-only-spec", severity: "error", from: { path: "^compiler" }, to: { path: "^(runtime|bin|examples|test)" } },
    { name: "runtime-is-below-the-shell", severity: "error", from: { path: "^runtime" }, to: { path: "^(bin|examples|test)" } },
    { name: "runtime-has-no-front-end", severity: "error", from: { path: "^runtime" }, to: { path: "^compiler/(source|index)" } },
    { name: "typescript-only-in-source", severity: "error", from: { pathNot: "^compiler/source" }, to: { path: "ts-morph|node_modules/typescript" } },
    { name: "back-half-ignores-source", severity: "error", from: { path: "^compiler/(algebra|plan|kernel|emit|explain)" }, to: { path: "^compiler/source" } },
    { name: "language-is-plain", severity: "error", from: { path: "^spec/(language|library|formats)" }, to: { path: "^spec/(graph|interpreter)" } },
    { name: "graph-knows-no-language", severity: "error", from: { path: "^spec/(graph|interpreter)" }, to: { path: "^spec/(language|library|formats)" } },
    {
      name: "browser-halves-import-no-node",
      severity: "error",
      from: { path: "^(spec|compiler|runtime)", pathNot: "[/.]node\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
