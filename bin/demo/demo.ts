/** @file The demo's inputs, from files and a device to what `demonstrate` takes, and what is checked of its results. */

import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { calibrate, FORMATS } from "../../examples/llama/calibrate";
import { formatName, type Codebooks } from "../../examples/llama/codebooks";
import { agrees, demonstrate, type DemoRow } from "../../examples/llama/demo";
import { loadCodebooks, loadContexts, loadModel, type LoadedModel } from "../../examples/llama/load.node";
import { compileFile } from "../../compiler";
import { openDevice } from "../../runtime";
import { compiledBody, type CompiledBody } from "../../examples/llama/compiled/model";
import type { Stored } from "../../examples/llama/kernels/operators";
import type { Progress } from "../progress";
import { recorded, type KernelReport } from "./recorded";

export interface DemoOptions {
  /** A model directory; the one that comes with the package unless given. */
  readonly model?: string;
  readonly prompt: string;
  /** Tokens to continue it by. */
  readonly tokens: number;
  /** Score all held-out stories. */
  readonly full: boolean;
  /** Learn the codebooks instead of reading them. */
  readonly calibrate: boolean;
  readonly backend: "auto" | "wgsl" | "gpujs" | "interpreter";
  /** Of gpu.js. */
  readonly mode?: string;
  /** How weights are stored on the device. */
  readonly weights: Stored;
  /** Score in compiled operators whatever the device: on a software one the plain loops around attention are faster. */
  readonly deviceOnly: boolean;
}

/** Held-out stories that are scored unless all are asked for. */
const SOME_STORIES = 2;

export interface DemoStart {
  readonly device: string;
  readonly model: string;
  readonly prompt: string;
  readonly codebooks: string;
  /** Bytes of the weights on the device; none where the interpreter stands for one. */
  readonly weights: { readonly stored: Stored; readonly bytes: number } | undefined;
}

export interface DemoReport extends DemoStart {
  readonly heldout: { readonly file: string; readonly stories: number; readonly of: number };
  readonly rows: readonly DemoRow[];
  /** By name. */
  readonly kernels: Readonly<Record<string, KernelReport>>;
  /** What computes everything but attention while stories are scored. */
  readonly scoring: "compiled" | "plain";
  readonly checks: readonly Check[];
}

export interface Check {
  readonly what: string;
  readonly held: boolean;
}

/** Told as soon as something is known. */
export interface DemoListener {
  start(start: DemoStart): void;
  row(row: DemoRow): void;
}

/** @throws KvernError KV60nn for a model that cannot be loaded, KV40nn for a device */
export async function runDemo(options: DemoOptions, progress: Progress, listener: DemoListener): Promise<DemoReport> {
  const examples = join(packageRoot(), "examples");
  const loaded = await loadModel(options.model ?? join(examples, "tales"));
  const { kernels } = await compileFile(join(examples, loaded.model.config.ropeLayout === "half-split" ? "attention.ts" : "llama/kernels/interleaved.ts"));
  const onProgress = (what: string, done: number, total: number): void => progress.show(what, done, total);
  const codebooks = options.calibrate ? await learned(loaded, onProgress) : await Promise.all(FORMATS.map((format) => loadCodebooks(loaded, join(loaded.directory, "codebooks", `${formatName(format).toLowerCase()}.safetensors`))));
  const heldoutFile = join(loaded.directory, "heldout.txt");
  const stories = await loadContexts(loaded, heldoutFile);
  const heldout = options.full ? stories : stories.slice(0, SOME_STORIES);
  const { config } = loaded.model;
  const prompt = [...(config.beginOfText === undefined ? [] : [config.beginOfText]), ...loaded.tokenizer.encode(options.prompt)];

  const opened = await openDevice({ backend: options.backend, ...(options.mode === undefined ? {} : { mode: options.mode }) });
  const { device, kernels: ran } = recorded(opened);
  let body: CompiledBody | undefined;
  try {
    if (device.backend !== "interpreter") body = await compiledBody(device, loaded.model, (await compileFile(join(examples, `llama/kernels/${options.weights}.ts`))).kernels, options.weights);
    const scoreCompiled = body !== undefined && (options.deviceOnly || device.info.kind === "hardware");
    const start = {
      device: device.describe(),
      model: `${shown(loaded.directory)}: ${config.layers} layers, ${config.heads} query heads over ${config.kvHeads} key/value heads of dimension ${config.headDim}`,
      prompt: options.prompt,
      codebooks: options.calibrate ? "learned from calibration.txt" : "read from codebooks/",
      weights: body === undefined ? undefined : { stored: options.weights, bytes: body.weights.bytes },
    };
    listener.start(start);
    const rows: DemoRow[] = [];
    for await (const row of demonstrate({ loaded, graphs: kernels, device, ...(body === undefined ? {} : { body }), scoreCompiled, codebooks, prompt, count: options.tokens, heldout, onProgress })) {
      progress.clear();
      rows.push(row);
      listener.row(row);
    }
    return {
      ...start,
      heldout: { file: shown(heldoutFile), stories: heldout.length, of: stories.length },
      rows,
      kernels: ran(),
      scoring: scoreCompiled ? "compiled" : "plain",
      checks: rows.flatMap(checksOf),
    };
  } finally {
    progress.clear();
    body?.close();
    await device.close();
  }
}

/** What must hold of every row. */
function checksOf(row: DemoRow): readonly Check[] {
  const { cache, perplexity, bytes, agreement } = row;
  const coded = cache !== "full precision";
  return [
    { what: `${cache}: every element within its bound of the reference interpreter`, held: agrees(row) && agreement.elements > 0 },
    { what: `${cache}: a perplexity that is a number`, held: Number.isFinite(perplexity) },
    ...(coded ? [{ what: `${cache}: no key or value held but as codes`, held: bytes.tail === 0 && bytes.codes > 0 }] : []),
  ];
}

async function learned(loaded: LoadedModel, onProgress: (what: string, done: number, total: number) => void): Promise<readonly Codebooks[]> {
  return calibrate(loaded.model, await loadContexts(loaded, join(loaded.directory, "calibration.txt")), FORMATS, { onProgress });
}

/** The package's folder. */
function packageRoot(): string {
  return dirname(fileURLToPath(import.meta.resolve("kvern/package.json")));
}

/** A path as a reader in the working directory would call it. */
function shown(path: string): string {
  const name = relative(process.cwd(), path);
  return name.startsWith("..") ? path : name;
}
