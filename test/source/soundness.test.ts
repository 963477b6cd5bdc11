import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CompileError } from "kvern/compiler";
import { discharge } from "../../spec/graph/obligations";
import { interpret } from "../../spec/interpreter";
import { compiled } from "./compiling";

/** Index expressions over the indices `t` and `c`, data, sizes and small constants, as source text. */
const { index } = fc.letrec<{ index: string; test: string }>((tie) => ({
  index: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom("t", "c", "0", "1", "2", "3", "7", "extent(token)", "extent(channel)", "codes(t)", "codes(clamp(c, token))"),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `(${a} - ${b})`),
    fc.tuple(fc.constantFrom(2, 3, 4), tie("index")).map(([k, a]) => `(${k} * ${a})`),
    fc.tuple(tie("index"), fc.constantFrom(2, 3, 4, 8)).map(([a, k]) => `Math.floor(${a} / ${k})`),
    fc.tuple(tie("index"), fc.constantFrom(2, 3, 4, 8)).map(([a, k]) => `(${a} % ${k})`),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `Math.min(${a}, ${b})`),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `Math.max(${a}, ${b})`),
    fc.tuple(tie("index"), fc.constantFrom("token", "channel")).map(([a, axis]) => `clamp(${a}, ${axis})`),
    fc.tuple(tie("test"), tie("index"), tie("index")).map(([p, a, b]) => `(${p} ? ${a} : ${b})`),
  ),
  test: fc.oneof(
    fc.tuple(tie("index"), fc.constantFrom("<", "<=", ">", ">=", "===", "!=="), tie("index")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `(${a} >= 0 && ${a} < ${b})`),
    fc.tuple(tie("index"), tie("index")).map(([a, b]) => `!(${a} < 0 || ${a} >= ${b})`),
  ),
}));

const read = fc.tuple(index, fc.constantFrom("token", "channel"), fc.boolean()).map(([i, axis, guarded]) => {
  const tensor = axis === "token" ? "x" : "y";
  return guarded ? `const i: number = ${i}; return i >= 0 && i < extent(${axis}) ? ${tensor}(i) : 0;` : `return ${tensor}((${i}) + 0);`;
});

const program = (body: string): string =>
  `export const k = kernel({ x: f32(token), y: f32(channel), codes: uint(3)(token) }, f32(token, channel), ({ x, y, codes }) => (t, c) => { const used = [x, y, codes].length; ${body.replace("return ", "return used * 0 + ")} });`;

const SIZES = [[1, 1], [1, 5], [4, 2], [3, 9], [8, 8]] as const;

describe("proofs", () => {
  it("what is proved, or discharged for given sizes, never reads outside", async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(read, async (body) => {
        let graph;
        try {
          graph = (await compiled(program(body))).k?.graph;
        } catch (error) {
          if (error instanceof CompileError) return;
          throw error;
        }
        if (graph === undefined) throw new Error("no kernel");
        for (const [token, channel] of SIZES) {
          if (discharge(graph, { token, channel }).length > 0) continue;
          accepted++;
          interpret(graph, {
            x: { shape: [token], data: new Float32Array(token) },
            y: { shape: [channel], data: new Float32Array(channel) },
            codes: { shape: [token], data: Uint8Array.from({ length: token }, (_, i) => (i * 5 + 7) % 8) },
          });
        }
      }),
      { numRuns: 300, seed: 20_26 },
    );
    // Enough of them, or the test says nothing.
    expect(accepted).toBeGreaterThan(300);
  }, 300_000);
});
