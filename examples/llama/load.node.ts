/**
 * @file Models from files: directories as Hugging Face lays them out (config.json, model.safetensors, tokenizer.json), and
 * llama2.c's files (a model with its tokenizer beside it).
 */

import { access, open, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readSafetensorsFile, writeSafetensorsFile } from "kvern/runtime";
import { refuse } from "../../spec/diagnostics/diagnostic";
import { codebooksFrom, codebookTensors, formatName, type Codebooks } from "./codebooks";
import { parseConfig } from "./config";
import { splitStories, storyContext } from "./contexts";
import { HEADER_BYTES, llama2cConfig, parseLlama2c, requireLength } from "./llama2c/model";
import { llama2cTokenizer } from "./llama2c/tokenizer";
import type { Llama } from "./model";
import { fileTokenizer, type TextTokenizer } from "./tokenizer";
import { assembleModel } from "./weights";

export interface LoadedModel {
  /** Where its texts and codebooks are looked for. */
  readonly directory: string;
  readonly model: Llama;
  readonly tokenizer: TextTokenizer;
}

/**
 * Loads a Llama-architecture checkpoint with tied or untied output: from a directory, with f32, f16 or bf16 weights, or
 * from a file of llama2.c's, whose name ends in `.bin`.
 * @throws KvernError KV6001 for a missing file, KV6002 to KV6004 for one that is no such model's, KV5001 for a file that
 * cannot be read, KV5002 and KV5003 for a damaged weight file
 */
export async function loadModel(path: string): Promise<LoadedModel> {
  return path.endsWith(".bin") ? loadLlama2c(path) : loadDirectory(path);
}

async function loadDirectory(directory: string): Promise<LoadedModel> {
  const configFile = join(directory, "config.json");
  const config = parseConfig(await readJson(configFile), configFile);
  const weightFile = join(directory, "model.safetensors");
  if (!(await exists(weightFile))) refuseShards(await exists(`${weightFile}.index.json`), weightFile);
  const { tensors } = await readSafetensorsFile(weightFile);
  const model = assembleModel(config, tensors, weightFile);
  return { directory, model, tokenizer: await loadTokenizer(directory) };
}

/** Names of the tokenizer of a model with this vocabulary, as llama2.c and its published models have them. */
const tokenizerNames = (vocabulary: number): readonly string[] => [`tok${vocabulary}.bin`, "tokenizer.bin"];

/** More than the pieces of any tokenizer take. */
const TOKENIZER_BYTES = 2 ** 26;

/** Nothing but the header is read before it is known that the file has the length its sizes ask for. */
async function loadLlama2c(file: string): Promise<LoadedModel> {
  const config = llama2cConfig(await readHeader(file), file);
  requireLength(config, (await stat(file)).size, file);
  const model = parseLlama2c(await readBytes(file), file);
  const directory = dirname(file);
  const candidates = tokenizerNames(config.vocabulary).map((name) => join(directory, name));
  const found = await Promise.all(candidates.map(exists));
  const tokenizerFile = candidates[found.indexOf(true)];
  if (tokenizerFile === undefined) return missing(candidates.join(" or "));
  const { size } = await stat(tokenizerFile);
  if (size > TOKENIZER_BYTES) refuse({ code: "KV6002", file: tokenizerFile, message: "the tokenizer is too large to be one", expected: `at most ${TOKENIZER_BYTES} bytes`, got: `${size} bytes` });
  return { directory, model, tokenizer: llama2cTokenizer(await readBytes(tokenizerFile), config.vocabulary, tokenizerFile) };
}

async function readHeader(file: string): Promise<Uint8Array> {
  const handle = await open(file).catch((cause: unknown) => unreadable(file, cause));
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    return unreadable(file, cause);
  } finally {
    await handle.close();
  }
}

/** The stories of a text file (see `contexts.ts`), as contexts. */
export async function loadContexts({ model, tokenizer }: LoadedModel, file: string): Promise<readonly (readonly number[])[]> {
  const text = await readText(file, "A text is a file of stories, separated by lines <|endoftext|>.");
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
  return fileTokenizer(json, config, file);
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

async function readText(file: string, mend = MODEL_FILES): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    return unreadable(file, cause, mend);
  }
}

async function readBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: unknown) => unreadable(file, cause));
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

const MODEL_FILES = "A model is a directory with config.json, model.safetensors and tokenizer.json, or a .bin file of llama2.c's with its tokenizer beside it.";

function missing(file: string, mend = MODEL_FILES): never {
  return refuse({ code: "KV6001", file, message: "the file does not exist", mend });
}

/** For a file that is not there, or there and not to be read: a folder, links in a ring, another's. */
function unreadable(file: string, cause: unknown, mend = MODEL_FILES): never {
  if (isMissing(cause)) return missing(file, mend);
  return refuse({ code: "KV5001", file, message: "the file cannot be read", got: cause instanceof Error ? cause.message : String(cause), mend });
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
}
