/** @file The model that lies beside the checkout where there is one; nothing of it is part of this project. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadModel, type LoadedModel } from "../../examples/llama/load.node";

export const STORIES = fileURLToPath(new URL("../../../shared/models/stories260K/", import.meta.url));
export const storiesFile = `${STORIES}stories260K.bin`;
export const hasStories = existsSync(storiesFile);
if (!hasStories) console.error(`\n*** ${storiesFile} is not there: tests of a published llama2.c model are skipped.\n`);

let loading: Promise<LoadedModel> | undefined;
export const stories = (): Promise<LoadedModel> => (loading ??= loadModel(storiesFile));

/** What its publisher's own program writes from nothing. */
export const BEGINNING =
  "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.";
