import { defineConfig } from "vitest/config";

const at = (path: string): string => new URL(path, import.meta.url).pathname;

export default defineConfig({
  resolve: {
    // Longest names first: "kvern" alone would also match "kvern/formats".
    alias: [
      { find: /^kvern\/formats$/, replacement: at("./spec/formats/index.ts") },
      { find: /^kvern\/compiler$/, replacement: at("./compiler/index.ts") },
      { find: /^kvern\/runtime$/, replacement: at("./runtime/index.ts") },
      { find: /^kvern$/, replacement: at("./spec/index.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
  },
});
