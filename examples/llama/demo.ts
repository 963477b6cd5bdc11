/**
 * @file The main job, start to end: a model continues a prompt and reads held-out stories with its cache at full
 * precision and as codes, in compiled kernels, attention checked against the interpreter.
 */

import type { Device } from "kvern/runtime";
import type { CacheBytes } from "./backend";
import { formatName, type Codebooks } from "./codebooks";
import { watchedAttention, watchedModel, Witness, worse, type Agreement } from "./compiled/agreement";
import { compiledAttention, type CompiledAttention, type Graphs } from "./compiled/attention";
import { CompiledModel, type CompiledBody } from "./compiled/model";
import { generate } from "./generate";
import { plainModel } from "./language-model";
import type { LoadedModel } from "./load.node";
import { perplexity } from "./perplexity";

export interface DemoInputs {
  readonly loaded: LoadedModel;
  /** The kernels of `examples/attention.ts`, or of their interleaved twins, compiled. */
  readonly graphs: Graphs;
  /** The other operators, compiled, on the device; without, they are computed in plain loops around attention. */
  readonly body?: CompiledBody;
  /** Score in compiled operators too, where there are any; else around compiled attention in plain loops. */
  readonly scoreCompiled?: boolean;
  readonly device: Device;
  /** One cache format each; full precision comes first in any case. */
  readonly codebooks: readonly Codebooks[];
  readonly prompt: readonly number[];
  /** Tokens to continue the prompt by. */
  readonly count: number;
  /** Contexts to score. */
  readonly heldout: readonly (readonly number[])[];
  /** What is being done, and how far it is. */
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/** What one cache format did. */
export interface DemoRow {
  readonly cache: string;
  readonly bitsPerChannel: number;
  readonly ids: readonly number[];
  readonly text: string;
  /** Steps of decoding in a second, after the first token; nothing where there were none. */
  readonly tokensPerSecond: number | undefined;
  readonly perplexity: number;
  readonly scoredTokens: number;
  /** Bytes of the cache after the continuation, for `tokens` tokens. */
  readonly bytes: CacheBytes;
  readonly tokens: number;
  /** The last step of the prompt and of the continuation, in all layers, against the interpreter. */
  readonly agreement: Agreement;
}

/** Whether what was computed on the device stayed within its bound of what the interpreter computes. */
export function agrees({ agreement }: DemoRow): boolean {
  return agreement.difference <= agreement.bound;
}

/** Runs the formats one after the other; a row is yielded as soon as it is there. */
export async function* demonstrate(inputs: DemoInputs): AsyncGenerator<DemoRow> {
  const { loaded, graphs, device } = inputs;
  for (const codebooks of [undefined, ...inputs.codebooks]) {
    const backend = await compiledAttention(device, loaded.model.config, graphs, codebooks);
    try {
      yield await demonstrateOne(inputs, backend, codebooks);
    } finally {
      await backend.close();
    }
  }
}

async function demonstrateOne({ loaded, graphs, device, body, scoreCompiled, prompt, count, heldout, onProgress }: DemoInputs, backend: CompiledAttention, codebooks: Codebooks | undefined): Promise<DemoRow> {
  const { model, tokenizer } = loaded;
  const cache = codebooks === undefined ? "full precision" : formatName(codebooks.format);
  const witness = new Witness();
  const compiled = body === undefined ? undefined : new CompiledModel(body, backend);
  const watched = compiled === undefined ? plainModel(model, watchedAttention(backend, witness)) : watchedModel(compiled, witness);
  const check = (): Promise<Agreement> => witness.agreement(backend, device, graphs);

  await generate(watched, prompt, { count: 1 });
  const afterPrompt = await check();
  const times: number[] = [];
  const onToken = (): void => {
    times.push(performance.now());
    onProgress?.(`${cache}: continuing the prompt`, times.length, count);
  };
  const ids = await generate(watched, prompt, { count, onToken });
  const afterContinuation = await check();
  witness.forget();
  const bytes = backend.bytes();
  const scoring = compiled !== undefined && scoreCompiled === true ? compiled : plainModel(model, backend);
  const scored = await perplexity(scoring, heldout, (stories, total) => onProgress?.(`${cache}: scoring stories`, stories, total));
  return {
    cache,
    bitsPerChannel: codebooks === undefined ? 32 : codebooks.format.bits / codebooks.format.couple,
    ids,
    text: tokenizer.decode(ids),
    tokensPerSecond: rate(times),
    perplexity: scored.perplexity,
    scoredTokens: scored.tokens,
    bytes,
    tokens: prompt.length + Math.max(0, ids.length - 1),
    agreement: worse(afterPrompt, afterContinuation),
  };
}

/** How many follow the first in a second, of times in milliseconds. */
function rate(times: readonly number[]): number | undefined {
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined || last === first ? undefined : ((times.length - 1) * 1000) / (last - first);
}
