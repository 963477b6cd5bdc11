import { defineConfig, type ViteUserConfig } from "vitest/config";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

/** Tests of the package as it is built and shipped; the others run on the sources. */
const BUILT = ["test/shell/**/*.test.ts", "test/package/**/*.test.ts"];

export const resolve: NonNullable<ViteUserConfig["resolve"]> = {
  // Longest names first: "kvern" alone would also match "kvern/formats".
  alias: [
    { find: /^kvern\/formats$/, replacement: at("./spec/formats/index.ts") },
    { find: /^kvern\/compiler$/, replacement: at("./compiler/index.ts") },
    { find: /^kvern\/runtime$/, replacement: at("./runtime/index.ts") },
    { find: /^kvern$/, replacement: at("./spec/index.ts") },
  ],
};
const limits = { pool: "forks", testTimeout: 60_000, hookTimeout: 120_000 } as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        resolve,
        test: {
          ...limits,
          name: "sources",
          include: ["test/**/*.test.ts"],
          exclude: BUILT,
          typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
        },
      },
      { resolve, test: { ...limits, name: "built", include: BUILT, globalSetup: "./test/shell/build.ts" } },
    ],
  },
});
