/** @file The models that the report is about, with the texts that formats are fitted to and held to. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { textContexts } from "../llama/contexts";
import { loadContexts, loadModel, type LoadedModel } from "../llama/load.node";

type Contexts = readonly (readonly number[])[];

export interface Subject {
  readonly name: string;
  readonly loaded: LoadedModel;
  readonly calibration: Contexts;
  readonly heldout: Contexts;
}

/** Contexts of a text that is calibrated on and held out in parts: the last ones are held out. */
const HELD_OUT_CONTEXTS = 8;

/** The names of the models that are there; stories260K is no part of this project and may lie beside the checkout. */
export function subjectNames(root: string): readonly string[] {
  return ["tales", ...(existsSync(storiesFile(root)) ? ["stories260K"] : [])];
}

export async function subject(root: string, name: string): Promise<Subject> {
  if (name !== "tales") return stories(root, name);
  const loaded = await loadModel(join(root, "examples/tales"));
  const contexts = (file: string): Promise<Contexts> => loadContexts(loaded, join(loaded.directory, file));
  return { name, loaded, calibration: [...(await contexts("calibration.txt")), ...(await contexts("calibration-sampled.txt"))], heldout: await contexts("heldout.txt") };
}

async function stories(root: string, name: string): Promise<Subject> {
  const loaded = await loadModel(storiesFile(root));
  const contexts = textContexts(await readFile(join(loaded.directory, "validation.txt"), "utf8"), loaded.tokenizer, loaded.model.config);
  return { name, loaded, calibration: contexts.slice(0, -HELD_OUT_CONTEXTS), heldout: contexts.slice(-HELD_OUT_CONTEXTS) };
}

const storiesFile = (root: string): string => join(root, "../shared/models/stories260K/stories260K.bin");
