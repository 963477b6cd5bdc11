/**
 * @file Whether a device keeps to what is assumed of it: every operation and function on numbers over its domain, held to the
 * accuracy that bounds are computed from. GLSL promises less than that, so that drivers may do worse; see `spec/numerics.md`.
 */

import { InternalError, refuse } from "../../spec/diagnostics/diagnostic";
import type { MathFunction } from "../../spec/graph/node";
import type { Accuracy } from "../../spec/interpreter";
import { divide, exactly, linear, multiply, type Approximate } from "../../spec/interpreter/bound/approximate";
import { apply } from "../../spec/interpreter/bound/functions";
import type { GpuJs } from "./library";

interface Operation {
  /** In the kernel, of `a` and `b`. */
  readonly text: string;
  /** From the least to the greatest `a`, evenly, or by even ratios where both are positive. */
  readonly domain: readonly [least: number, greatest: number];
  readonly expected: (accuracy: Accuracy, a: number, b: number) => Approximate;
}

const of = (fn: MathFunction, least: number, greatest: number): Operation => ({
  text: `Math.${fn}(a)`, domain: [least, greatest], expected: (accuracy, a) => apply(accuracy, fn, [exactly(a)], 0),
});

/** What kernels of gpu.js are made of. */
const OPERATIONS: readonly Operation[] = [
  { text: "a + b", domain: [-1000, 1000], expected: (accuracy, a, b) => linear(accuracy, 0, [1, 1], [exactly(a), exactly(b)], false) },
  { text: "a - b", domain: [-1000, 1000], expected: (accuracy, a, b) => linear(accuracy, 0, [1, -1], [exactly(a), exactly(b)], false) },
  { text: "a * b", domain: [-1e9, 1e9], expected: (accuracy, a, b) => multiply(accuracy, exactly(a), exactly(b), false) },
  { text: "a / b", domain: [1e-12, 1e12], expected: (accuracy, a, b) => divide(accuracy, exactly(a), exactly(b)) },
  // The next two are exact.
  { text: "Math.floor(a)", domain: [-9000.75, 9000.75], expected: (_, a) => exactly(Math.floor(a)) },
  { text: "Math.floor(a) * 1024.0 + 1.0", domain: [1, 16000], expected: (_, a) => exactly(Math.floor(a) * 1024 + 1) },
  of("sqrt", 1e-12, 1e12), of("exp", -80, 80), of("log", 1e-12, 1e12), of("log2", 1e-12, 1e12), of("log", 0.5, 2), of("tanh", -15, 15),
  of("sin", -3.14, 3.14), of("cos", -3.14, 3.14), of("tan", -1.4, 1.4), of("asin", -0.99, 0.99), of("acos", -0.99, 0.99), of("atan", -1000, 1000),
  of("sinh", -15, 15), of("cosh", -15, 15), of("asinh", 0.1, 1000), of("acosh", 1.1, 1000), of("atanh", -0.9, 0.9),
  { text: "Math.atan2(a, b)", domain: [-10, 10], expected: (accuracy, a, b) => apply(accuracy, "atan2", [exactly(a), exactly(b)], 0) },
];

/** Arguments of each operation. */
const EACH = 64;

function argument({ domain: [least, greatest] }: Operation, k: number): number {
  const share = (k + 0.5) / EACH;
  return Math.fround(least > 0 ? least * (greatest / least) ** share : least + (greatest - least) * share);
}

/** The second argument: of any size and sign, but for 0. */
const other = (k: number): number => Math.fround((k % 2 === 0 ? 1 : -1) * (1 + ((k * 37) % 61) / 61) * 10 ** ((k % 7) - 3));

const SOURCE = `function (x, y) {
  const a = x[this.thread.x];
  const b = y[this.thread.x];
  const o = Math.floor((this.thread.x + 0.5) / ${EACH}.0);
${OPERATIONS.map(({ text }, at) => `  if (o < ${at}.5) { return ${text}; }`).join("\n")}
  return 0;
}`;

/**
 * Computes every operation on a device.
 * @throws KvernError KV4206 where one is further off than `accuracy` allows
 */
export async function probe(gpu: GpuJs, accuracy: Accuracy): Promise<void> {
  const count = OPERATIONS.length * EACH;
  const operation = (at: number): Operation => OPERATIONS[Math.floor(at / EACH)] ?? missing();
  const x = Float32Array.from({ length: count }, (_, at) => argument(operation(at), at % EACH));
  const y = Float32Array.from({ length: count }, (_, at) => other(at % EACH));
  const kernel = gpu.createKernel(SOURCE, { output: [count], loopMaxIterations: 1, precision: "single", tactic: "precision" });
  const pipeline = gpu.createPipeline((a, b) => ({ out: kernel(a, b) }));
  const { out } = await pipeline(x, y);
  pipeline.destroy();
  kernel.destroy();
  for (let at = 0; at < count; at++) {
    const [a, b, got] = [x[at] ?? 0, y[at] ?? 0, out?.[at]];
    const { text, expected } = operation(at);
    const { value, error } = expected(accuracy, a, b);
    if (got === undefined || typeof got !== "number") throw new InternalError(`gpu.js gave no number for ${text}`);
    if (error === Infinity || got === value || Math.abs(got - value) <= error) continue;
    refuse({
      code: "KV4206",
      message: `this device computes \`${text}\` less accurately than is assumed of ${accuracy.name}`,
      expected: `${value}, off by at most ${error}, for a = ${a}, b = ${b}`,
      got: String(got),
      mend: 'Open { backend: "gpujs", mode: "webasm" } or "cpu", whose arithmetic is JavaScript\'s.',
    });
  }
}

function missing(): never {
  throw new InternalError("a probe without its operation");
}
