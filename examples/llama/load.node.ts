/** @file Model directories as Hugging Face lays them out: config.json, model.safetensors, tokenizer.json. */

import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsFile, writeSafetensorsFile } from "kvern/runtime";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { codebooksFrom, codebookTensors, formatName, type Codebooks } from "./codebooks";
import { parseConfig } from "./config";
import { splitStories, storyContext } from "./contexts";
import type { Llama } from "./model";
import { textTokenizer, type TextTokenizer } from "./tokenizer";
import { assembleModel } from "./weights";

export interface LoadedModel {
  readonly directory: string;
  readonly model: Llama;
  readonly tokenizer: TextTokenizer;
}

/**
 * Loads a Llama-architecture checkpoint with tied or untied output and f32, f16 or bf16 weights.
 * @throws KvernError KV6001 for a missing file, KV6002 to KV6004 for one that is no such model's, KV5002 and KV5003 for a
 * damaged weight file
 */
export async function loadModel(directory: string): Promise<LoadedModel> {
  const configFile = join(directory, "config.json");
  const config = parseConfig(await readJson(configFile), configFile);
  const weightFile = join(directory, "model.safetensors");
  if (!(await exists(weightFile))) refuseShards(await exists(`${weightFile}.index.json`), weightFile);
  const { tensors } = await readSafetensorsFile(weightFile);
  const model = assembleModel(config, tensors, weightFile);
  return { directory, model, tokenizer: await loadTokenizer(directory) };
}

/** The stories of a text file (see `contexts.ts`), as contexts. */
export async function loadContexts({ model, tokenizer }: LoadedModel, file: string): Promise<readonly (readonly number[])[]> {
  const text = await readText(file);
  return splitStories(text).map((story) => storyContext(story, tokenizer, model.config));
}

/**
 * Reads the codebooks of a model from a file that `saveCodebooks` wrote.
 * @throws KvernError KV6006 where they do not fit the model, KV50nn where the file cannot be read
 */
export async function loadCodebooks({ model }: LoadedModel, file: string): Promise<Codebooks> {
  const { tensors } = await readSafetensorsFile(file);
  return codebooksFrom(tensors, model.config, file);
}

export async function saveCodebooks(codebooks: Codebooks, file: string): Promise<void> {
  await writeSafetensorsFile(file, codebookTensors(codebooks), { metadata: { format: formatName(codebooks.format) } });
}

async function loadTokenizer(directory: string): Promise<TextTokenizer> {
  const file = join(directory, "tokenizer.json");
  const extra = join(directory, "tokenizer_config.json");
  const json = await readJson(file);
  const config = (await exists(extra)) ? await readJson(extra) : {};
  try {
    return textTokenizer(json, config);
  } catch (cause) {
    return refuse({ code: "KV6003", file, message: "the tokenizer cannot be built", expected: "one of the kinds @huggingface/tokenizers knows", got: String(cause) });
  }
}

function refuseShards(sharded: boolean, file: string): never {
  if (!sharded) return missing(file);
  return refuse({ code: "KV6003", file: `${file}.index.json`, message: "the weights are spread over several files, which is not supported", expected: "one model.safetensors", got: "an index of shards" });
}

async function readJson(file: string): Promise<object> {
  const text = await readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return refuse({ code: "KV6002", file, message: "the file is not JSON", expected: "a JSON object", got: String(cause) });
  }
  if (typeof json === "object" && json !== null) return json;
  return refuse({ code: "KV6002", file, message: "the file does not hold an object", expected: "a JSON object", got: typeof json });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    if (isMissing(cause)) return missing(file);
    throw cause;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

function missing(file: string): never {
  return refuse({ code: "KV6001", file, message: "the file does not exist", mend: "A model is a directory with config.json, model.safetensors and tokenizer.json." });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
}
