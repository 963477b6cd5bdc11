/** @file Models in memory that threads share, and what tells one model from another. */

import { createHash, type Hash } from "node:crypto";
import type { Llama } from "../../examples/llama/model";

/** A copy of plain data whose f32 arrays lie in shared memory; what is one object stays one. */
export function shared<Data>(data: Data): Data {
  const copies = new Map<object, unknown>();
  const copy = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    const made = value instanceof Float32Array ? sharedArray(value) : Array.isArray(value) ? value.map(copy) : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)]));
    copies.set(value, made);
    return made;
  };
  return copy(data) as Data;
}

function sharedArray(data: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
  copy.set(data);
  return copy;
}

/** The SHA-256 of a model's configuration and weights, whatever files they came in. */
export function modelHash(model: Llama): string {
  const hash = createHash("sha256");
  digest(hash, model);
  return hash.digest("hex");
}

/** The SHA-256 of the ids of contexts. */
export function contextsHash(contexts: readonly (readonly number[])[]): string {
  return createHash("sha256").update(JSON.stringify(contexts)).digest("hex");
}

function digest(hash: Hash, value: unknown): void {
  if (value instanceof Float32Array) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  else if (typeof value === "object" && value !== null) {
    for (const [name, part] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
      hash.update(`${name}:`);
      digest(hash, part);
    }
  } else hash.update(`${String(value)};`);
}
