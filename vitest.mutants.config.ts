import { defineConfig } from "vitest/config";
import { resolve } from "./vitest.config";

/** Tests that take no device and no build: what mutants of the algebra, the planner and the interpreter are held to. */
export default defineConfig({
  resolve,
  test: {
    pool: "forks",
    testTimeout: 60_000,
    include: ["algebra", "graph", "interpreter", "laws", "plan"].map((folder) => `test/${folder}/**/*.test.ts`),
  },
});
