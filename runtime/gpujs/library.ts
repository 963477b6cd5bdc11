/** @file The npm package gpu.js, as much of it as is used here, and where it comes from. */

import { refuse } from "../../spec/diagnostics/diagnostic";

/** The modes that this backend opens, in the order in which it prefers them. */
export const GPUJS_MODES = ["webgpu", "webgl2", "webasm", "cpu"] as const;
export type GpuJsMode = (typeof GPUJS_MODES)[number];

/** An array of numbers on its way between kernels, while a pipeline is recorded. */
export interface Handle { readonly handle: never }

export interface CompiledKernel {
  (...args: readonly unknown[]): Handle;
  destroy(): void;
}

export interface CompiledPipeline {
  /** A row of numbers for each result, or of what each thread returned. */
  (...inputs: readonly Float32Array[]): Promise<Record<string, Float32Array | readonly Float32Array[]>>;
  /** The mode in which the last call ran. */
  readonly backend: string;
  readonly fallbackReason: string | null;
  destroy(): void;
}

export interface KernelSettings {
  readonly output: readonly [threads: number];
  readonly loopMaxIterations: number;
  readonly precision: "single";
  readonly tactic: "precision";
}

export interface GpuJs {
  /** What its kernels draw with, in the modes that draw. */
  readonly context?: unknown;
  createKernel(source: string, settings: KernelSettings): CompiledKernel;
  createPipeline(record: (...inputs: readonly Handle[]) => Readonly<Record<string, Handle>>): CompiledPipeline;
  destroy(): Promise<void> | void;
}

export interface GpuJsLibrary {
  readonly GPU: new (settings: { readonly mode: GpuJsMode }) => GpuJs;
}

interface Module extends Partial<GpuJsLibrary> {
  readonly default?: unknown;
}

/** The constructor in a module, in its default export, or in a global of that name, as the browser build of gpu.js leaves it. */
function found(module: unknown): GpuJsLibrary | undefined {
  if (typeof module === "function") return { GPU: module as GpuJsLibrary["GPU"] };
  if (typeof module !== "object" || module === null) return undefined;
  const { GPU, default: inner } = module as Module;
  return typeof GPU === "function" ? { GPU } : found(inner);
}

/**
 * @param given the module gpu.js, or its `GPU`, where the caller has imported it; else a page's global `GPU`, else what
 * `import("gpu.js")` finds
 * @throws KvernError KV4001 when there is none
 */
export async function loadGpuJs(given: unknown): Promise<GpuJsLibrary> {
  const library = found(given) ?? found((globalThis as { readonly GPU?: unknown }).GPU);
  if (library !== undefined) return library;
  let why = "the module has no GPU";
  try {
    const imported = found(await importAsNamed("gpu.js"));
    if (imported !== undefined) return imported;
  } catch (fault) {
    why = fault instanceof Error ? fault.message : String(fault);
  }
  return refuse({
    code: "KV4001",
    message: "gpu.js could not be loaded",
    expected: "npm gpu.js, or in a page its browser build or the option `library`",
    got: why,
    mend: "npm install gpu.js@2.24.1",
  });
}

/** A name that arrives as an argument is one that no bundler follows. */
async function importAsNamed(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name) as Promise<unknown>;
}
