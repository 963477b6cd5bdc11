/** @file The recorded cases of ONNX, where this machine has them: what an operator was given and what it must give. */

import { existsSync, readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../shared/oracles/", import.meta.url);

export interface RecordedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Case {
  readonly name: string;
  readonly attributes: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, RecordedTensor>>;
  readonly outputs: Readonly<Record<string, RecordedTensor>>;
}

interface Recorded {
  readonly case: string;
  readonly attributes: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, WrittenTensor>>;
  readonly outputs: Readonly<Record<string, WrittenTensor>>;
}

interface WrittenTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Infinities and NaN are written as text. */
  readonly data: readonly (number | string | boolean)[];
}

const read = (tensors: Readonly<Record<string, WrittenTensor>>): Record<string, RecordedTensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data.map(Number) }]));

/** The cases of a folder by name; none, with a line that says so, where the folder is absent. */
export function casesOf(folder: string): readonly Case[] {
  const place = new URL(`${folder}/`, FOLDER);
  if (!existsSync(place)) {
    console.warn(`*** ${folder}: skipped, as there are no recorded cases at shared/oracles beside the checkout`);
    return [];
  }
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const written = JSON.parse(readFileSync(new URL(`${name}/case.json`, place), "utf8")) as Recorded;
      return { name, attributes: written.attributes, inputs: read(written.inputs), outputs: read(written.outputs) };
    });
}
