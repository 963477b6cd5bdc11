/**
 * @file What gpu.js itself takes in each mode: for a call, for each kernel of a chain, for a thread, and for what a thread
 * does. The planner's profile of gpu.js (`GPUJS` in `compiler/plan/fold/cost.ts`) has its weights from here.
 */

import { openDevice, type Device } from "../../runtime/index";
import { loadGpuJs, type GpuJs, type GpuJsMode } from "../../runtime/gpujs/library";
import { KvernError } from "../../spec/diagnostics/diagnostic";
import { checkMode, middle, timed } from "./timing";

export interface Costs {
  readonly mode: GpuJsMode;
  /** Milliseconds of a call of one kernel that copies a number, and of each further kernel in a chain. */
  readonly call: number;
  readonly kernel: number;
  /** Nanoseconds of a thread that does nothing but store a number, and of what a thread does: a multiplication and an addition, a number read, an exponential, a turn of a loop. */
  readonly thread: number;
  readonly operations: number;
  readonly load: number;
  readonly exp: number;
  readonly turn: number;
}

type Step = () => Promise<unknown>;

const [WARM, ROUNDS] = [2, 9] as const;
const [THREADS, TURNS, LINES] = [2048, 256, 8] as const;

/** A loop in each of `THREADS` threads that does something `lines` times a turn, which do not wait for each other. */
function loop(line: string, lines: number = LINES, turns: number = TURNS): string {
  const each = (text: string): readonly string[] => Array.from({ length: lines }, (_, at) => text.replaceAll("#", String(at)));
  return [
    "function (x) {",
    ...each("let s# = x[this.thread.x];"),
    `for (let k = 0; k < ${turns}; k++) {`,
    ...each(line),
    "}",
    `return ${each("s#").join(" + ")};`,
    "}",
  ].join("\n");
}

const OPERATIONS = "s# = s# * 0.999 + 0.001;";

/** What the costs are differences of. Numbers stay near those in `x`, and nothing can be left out. */
const SOURCES = {
  store: "function (x) { return this.thread.x; }",
  once: loop(OPERATIONS, 1, 1),
  operations: loop(OPERATIONS),
  loads: loop(`s# = s# * 0.999 + x[k * ${LINES} + #];`),
  exps: loop("s# = Math.exp(s# * -0.999) + 0.001;"),
  turns: loop(OPERATIONS, 1),
} as const;

/** In each of some modes; modes that do not work here are left out. */
export async function costs(modes: readonly GpuJsMode[]): Promise<readonly Costs[]> {
  const found: Costs[] = [];
  for (const mode of modes) {
    let device: Device;
    try {
      device = await openDevice({ backend: "gpujs", mode });
    } catch (fault) {
      if (fault instanceof KvernError) continue;
      throw fault;
    }
    const gpu = new (await loadGpuJs(undefined)).GPU({ mode });
    const steps = { one: copies(gpu, mode, 1), many: copies(gpu, mode, 11), ...Object.fromEntries(Object.entries(SOURCES).map(([name, source]) => [name, through(gpu, mode, source)])) } as Record<"one" | "many" | keyof typeof SOURCES, Step>;
    const rounds: Record<string, number>[] = [];
    for (let round = -WARM; round < ROUNDS; round++) {
      const times: Record<string, number> = {};
      for (const [name, step] of Object.entries(steps)) times[name] = await timed(step);
      if (round >= 0) rounds.push(times);
    }
    const time = (name: keyof typeof steps): number => middle(rounds.map((times) => times[name] ?? NaN));
    const each = (more: keyof typeof steps, less: keyof typeof steps): number => ((time(more) - time(less)) * 1e6) / (THREADS * TURNS * LINES);
    const operations = each("operations", "turns") * (LINES / (LINES - 1));
    found.push({
      mode,
      call: time("one"),
      kernel: (time("many") - time("one")) / 10,
      thread: ((time("store") - time("one")) * 1e6) / THREADS,
      operations,
      load: each("loads", "operations"),
      exp: each("exps", "operations"),
      turn: each("turns", "once") * LINES - operations,
    });
    await gpu.destroy();
    await device.close();
  }
  return found;
}

/** A chain of kernels that each copy one number. */
function copies(gpu: GpuJs, mode: GpuJsMode, count: number): Step {
  const kernels = Array.from({ length: count }, () => gpu.createKernel("function (x) { return x[this.thread.x]; }", { output: [1], loopMaxIterations: 1, precision: "single", tactic: "precision" }));
  const pipeline = gpu.createPipeline((x) => ({ out: kernels.reduce((value, kernel) => kernel(value), x) }));
  return async () => {
    await pipeline(Float32Array.of(1));
    checkMode(pipeline, mode);
  };
}

/** A kernel whose results stay where they are, but for one. */
function through(gpu: GpuJs, mode: GpuJsMode, source: string): Step {
  const kernel = gpu.createKernel(source, { output: [THREADS], loopMaxIterations: TURNS, precision: "single", tactic: "precision" });
  const last = gpu.createKernel("function (x) { return x[this.thread.x]; }", { output: [1], loopMaxIterations: 1, precision: "single", tactic: "precision" });
  const pipeline = gpu.createPipeline((x) => ({ out: last(kernel(x)) }));
  const given = new Float32Array(THREADS).fill(0.5);
  return async () => {
    await pipeline(given);
    checkMode(pipeline, mode);
  };
}
