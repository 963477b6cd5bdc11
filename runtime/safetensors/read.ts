/**
 * @file Reads safetensors: eight bytes of header length, a header in JSON that gives each tensor's dtype, shape and place,
 * and the tensors' bytes, without gaps. https://github.com/huggingface/safetensors#format. Files come from anywhere:
 * nothing in one is believed before it has been checked.
 */

import { refuse } from "../../spec/diagnostics/diagnostic";
import { shown } from "../../spec/diagnostics/shown";
import { elementCount, isSize, shapeText, type TensorData } from "../../spec/tensor/tensor";
import { dtypeEntry, DTYPES, isDtype, type Dtype } from "./dtype";
import { repeatedKey } from "./json";

/** A tensor out of a file, with the type it has there. */
export interface FileTensor extends TensorData {
  readonly dtype: Dtype;
}

export interface TensorFile {
  readonly tensors: Readonly<Record<string, FileTensor>>;
  /** Free text by key, as the header's `__metadata__` has it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the reference implementation allows a header. */
const LARGEST_HEADER = 100_000_000;

/**
 * The tensors of a safetensors file. Arrays share the memory of `bytes` where its alignment allows it.
 * @param name what to call the file in messages
 * @throws KvernError KV5002 the file is damaged or not safetensors; KV5003 elements that no array of numbers can hold
 */
export function readSafetensors(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>, name = "the file"): TensorFile {
  const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  const damaged: Damaged = (what, expected, got) =>
    refuse({
      code: "KV5002",
      file: name,
      message: what,
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
      mend: "Fetch or write the file again.",
    });
  const { header, data } = split(file, damaged);
  const metadata: Record<string, string> = {};
  const places: Place[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === "__metadata__") Object.assign(metadata, checkedMetadata(value, damaged));
    else places.push(checkedPlace(key, value, data.length, name, damaged));
  }
  checkCover(places, data.length, damaged);
  const tensors = places.map((place) => [place.name, readTensor(place, data, name)] as const);
  return { tensors: Object.fromEntries(tensors), metadata };
}

type Damaged = (what: string, expected?: string, got?: string) => never;

function split(file: Uint8Array<ArrayBuffer>, damaged: Damaged): { readonly header: Readonly<Record<string, unknown>>; readonly data: Uint8Array<ArrayBuffer> } {
  if (file.length < 8) damaged("a safetensors file begins with the length of its header", "at least 8 bytes", String(file.length));
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(LARGEST_HEADER)) damaged("the header is too long, or this is no safetensors file", `up to ${LARGEST_HEADER} bytes`, `${length} bytes`);
  const end = 8 + Number(length);
  if (end > file.length) damaged("the file ends inside its header", `${end} bytes or more`, `${file.length} bytes`);
  return { header: parsedHeader(file.subarray(8, end), damaged), data: file.subarray(end) };
}

function parsedHeader(bytes: Uint8Array, damaged: Damaged): Readonly<Record<string, unknown>> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (fault) {
    return damaged("the header is not JSON", undefined, fault instanceof Error ? fault.message : String(fault));
  }
  if (!isRecord(header)) return damaged("the header is not a record", "{ name: { dtype, shape, data_offsets }, … }", text.slice(0, 40));
  const repeated = repeatedKey(text);
  if (repeated !== undefined) damaged(`the header has the key ${shown(repeated)} twice`);
  return header;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkedMetadata(value: unknown, damaged: Damaged): Readonly<Record<string, string>> {
  if (!isRecord(value)) return damaged("`__metadata__` is not a record");
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") damaged(`\`__metadata__\` has a value that is no text at ${shown(key)}`);
    if (key === "__proto__") damaged("`__metadata__` has the key `__proto__`");
  }
  return value as Readonly<Record<string, string>>;
}

/** Where in a file a tensor lies; `begin` and `end` count from the end of the header. */
interface Place {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function checkedPlace(name: string, value: unknown, size: number, file: string, damaged: Damaged): Place {
  const what = `the tensor ${shown(name)}`;
  if (name === "__proto__") damaged("a tensor cannot be called `__proto__`");
  if (!isRecord(value)) return damaged(`${what} is not described by a record`, "{ dtype, shape, data_offsets }");
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) {
    return refuse({ code: "KV5003", file, message: `${what} is of a type that cannot be read`, expected: Object.keys(DTYPES).join(", "), got: shown(dtype) });
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return damaged(`${what} has no shape`, "a list of whole numbers from 0 to 2147483647", shown(shape));
  }
  if (!isOffsets(offsets)) return damaged(`${what} has no place`, "data_offsets: [begin, end]", shown(offsets));
  const [begin, end] = offsets;
  if (begin > end || end > size) damaged(`${what} lies outside the file`, `0 ≤ begin ≤ end ≤ ${size}, the bytes after the header`, shapeText(offsets));
  const bytes = elementCount(shape) * dtypeEntry(dtype).bytes;
  if (end - begin !== bytes) damaged(`${what} does not have the bytes that its shape takes`, `${bytes} bytes for ${dtype} ${shapeText(shape)}`, `${end - begin} bytes`);
  return { name, dtype, shape, begin, end };
}

function isOffsets(offsets: unknown): offsets is readonly [number, number] {
  return Array.isArray(offsets) && offsets.length === 2 && offsets.every((offset) => Number.isSafeInteger(offset) && Number(offset) >= 0);
}

/** Tensors lie side by side: none over another, and no bytes that belong to none. */
function checkCover(places: readonly Place[], size: number, damaged: Damaged): void {
  let at = 0;
  let before = "the header";
  for (const { name, begin, end } of [...places].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    const what = shown(name);
    if (begin < at) damaged(`the tensors ${before} and ${what} overlap`, `${what} to begin at byte ${at}`, `byte ${begin}`);
    if (begin > at) damaged(`there are bytes between ${before} and ${what} that belong to no tensor`, `${what} to begin at byte ${at}`, `byte ${begin}`);
    at = end;
    before = what;
  }
  if (at !== size) damaged(`there are bytes after ${before} that belong to no tensor`, `${at} bytes after the header`, `${size} bytes`);
}

function readTensor({ name, dtype, shape, begin, end }: Place, data: Uint8Array<ArrayBuffer>, file: string): FileTensor {
  const entry = dtypeEntry(dtype);
  const place = data.subarray(begin, end);
  // A typed array begins at a multiple of its element size; what does not is copied.
  const elements = entry.read(place.byteOffset % entry.bytes === 0 ? place : place.slice());
  if (typeof elements === "string") {
    return refuse({ code: "KV5003", file, message: `the tensor ${shown(name)}, ${dtype}, has elements that cannot be read`, got: elements });
  }
  return { dtype, shape, data: elements };
}
