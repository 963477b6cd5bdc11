/** @file Every worked example of `spec/formats.md`, run: elements to words, words to elements, storage to cache. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { evaluate, type ElementType } from "kvern";
import { coupled, encodeCoupled, perChannel } from "kvern/formats";
import { createCache, openDevice } from "kvern/runtime";
import { fromStorage, toStorage } from "../../spec/tensor";
import { axes, reading } from "./caches";

const document = readFileSync(new URL("../../spec/formats.md", import.meta.url), "utf8");

interface Example {
  readonly kind: string;
  readonly header: string;
  /** Labelled lines in their order; a label may come twice. */
  readonly lines: readonly (readonly [label: string, items: readonly string[]])[];
}

const examples: readonly Example[] = [...document.matchAll(/^```(\w+)\n(.*)\n([^]*?)^```/gm)].map(([, kind = "", header = "", body = ""]) => ({
  kind,
  header,
  lines: body.trim().split("\n").map((line) => {
    const [label = "", ...items] = line.split(/\s+/);
    return [label, items] as const;
  }),
}));

const numbers = (items: readonly string[]): number[] => items.map(Number);
const words = (items: readonly string[]): Uint32Array<ArrayBuffer> => Uint32Array.from(items, (item) => Number.parseInt(item, 16));
const hex = (storage: ArrayBufferView): string[] => [...new Uint32Array(storage.buffer, storage.byteOffset, storage.byteLength / 4)].map((word) => word.toString(16).padStart(8, "0"));

const elementOf = (text: string): ElementType => {
  const bits = /^uint\((\d+)\)$/.exec(text)?.[1];
  if (bits !== undefined) return { kind: "uint", bits: Number(bits) };
  if (text === "f32" || text === "f16" || text === "i32" || text === "u32") return { kind: text };
  throw new Error(`no element type: ${text}`);
};

const ofKind = (kind: string): readonly Example[] => examples.filter((example) => example.kind === kind);

test("the document has examples of every kind", () => {
  expect(examples.map(({ kind }) => kind).sort()).toEqual(["coupled", "encoded", ...Array<string>(8).fill("layout"), "perChannel", "saved"]);
});

test.each(ofKind("layout"))("$header", ({ header, lines }) => {
  const [, type = "", sizes = ""] = /^(\S+) \[(.*)\]$/.exec(header) ?? [];
  const [[, elements], [, stored]] = lines as [Example["lines"][0], Example["lines"][0]];
  const element = elementOf(type);
  const shape = sizes.split(", ").map(Number);
  expect(hex(toStorage(element, { shape, data: numbers(elements) }))).toEqual(stored);
  expect([...fromStorage(element, shape, words(stored), false)]).toEqual(numbers(elements));
});

/** `couple 2 bits 1 sizes token 3 …` as a record. */
const settings = (header: string): Readonly<Record<string, number>> =>
  Object.fromEntries([...header.matchAll(/(\w+) (\d+)/g)].map(([, name = "", value]) => [name, Number(value)]));

test.each(ofKind("coupled"))("coupled: $header", ({ header, lines }) => {
  const { couple = 0, bits = 0, token = 0, head = 0, channel = 0 } = settings(header);
  const [[, book], [, bookWords], [, codes], [, codeWords], [, elements]] = lines as [Example["lines"][0], Example["lines"][0], Example["lines"][0], Example["lines"][0], Example["lines"][0]];
  const groups = channel / couple;
  const bookShape = [head, groups, 2 ** bits, couple];
  const codesShape = [token, head, groups];
  expect(hex(toStorage({ kind: "f16" }, { shape: bookShape, data: numbers(book) }))).toEqual(bookWords);
  expect(hex(toStorage({ kind: "uint", bits }, { shape: codesShape, data: numbers(codes) }))).toEqual(codeWords);
  const { out } = evaluate(reading(coupled(axes, { couple, bits })), {
    "cache.codes": { shape: codesShape, data: words(codeWords) },
    "cache.book": { shape: bookShape, data: numbers(book) },
  }, { set: { channel } });
  expect([...out.data]).toEqual(numbers(elements));
});

test.each(ofKind("encoded"))("encoded: $header", ({ header, lines }) => {
  const { couple = 0, bits = 0, token = 0, head = 0, channel = 0 } = settings(header);
  const [[, book], [, x], [, codes], [, codeWords]] = lines as [Example["lines"][0], Example["lines"][0], Example["lines"][0], Example["lines"][0]];
  const { out } = evaluate(encodeCoupled(axes, { couple, bits }), {
    x: { shape: [token, head, channel], data: numbers(x) },
    book: { shape: [head, channel / couple, 2 ** bits, couple], data: numbers(book) },
  });
  expect([...out.data]).toEqual(numbers(codes));
  expect(hex(toStorage({ kind: "uint", bits }, { shape: out.shape, data: out.data }))).toEqual(codeWords);
});

test.each(ofKind("saved"))("a saved cache", async ({ header, lines }) => {
  const cache = header.replace(/^cache\s+/, "");
  const [[, keys], [, values], [, [sum]]] = lines as [Example["lines"][0], Example["lines"][0], Example["lines"][0]];
  const device = await openDevice({ backend: "interpreter" });
  const made = await createCache({ heads: 1, channels: 2, layers: [{ keys: { element: "f32" }, values: { element: "f32" } }] }, device);
  await made.append(0, { shape: [1, 1, 2], data: numbers(keys) }, { shape: [1, 1, 2], data: numbers(values) });
  expect((await made.save()).metadata).toEqual({ format: "kvern-cache", version: "1", cache, checksum: sum });
  await device.close();
});

test.each(ofKind("perChannel"))("perChannel: $header", ({ header, lines }) => {
  const { group = 0, bits = 0, token = 0, head = 0, channel = 0 } = settings(header);
  const [[, scale], [, zero], [, codes], [, codeWords], [, elements]] = lines as [Example["lines"][0], Example["lines"][0], Example["lines"][0], Example["lines"][0], Example["lines"][0]];
  const shape = [token, head, channel];
  const blocks = [Math.ceil(token / group), head, channel];
  expect(hex(toStorage({ kind: "uint", bits }, { shape, data: numbers(codes) }))).toEqual(codeWords);
  const { out } = evaluate(reading(perChannel(axes, { bits, group })), {
    "cache.codes": { shape, data: words(codeWords) },
    "cache.scale": { shape: blocks, data: numbers(scale) },
    "cache.zero": { shape: blocks, data: numbers(zero) },
  });
  expect([...out.data]).toEqual(numbers(elements));
});
