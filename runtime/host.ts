/** @file Tensors of devices that are this machine's own memory: arrays, shared by a tensor and the views of its rows. */

import { refuse } from "../spec/diagnostics/diagnostic";
import type { Element } from "../spec/graph/node";
import { checkElements } from "../spec/tensor/check";
import { elementName, sameElement } from "../spec/tensor/element";
import { codeArray } from "../spec/tensor/packing";
import { storedValues } from "../spec/tensor/storage";
import { checkedShape, elementCount, LARGEST_SIZE, tensor as checkedTensor, type TensorData } from "../spec/tensor/tensor";
import type { DeviceTensor, RowCopy } from "./device";
import { isDeviceTensor } from "./kernel";
import { checkReshaped, checkRowPlace, checkRows, hostRows, layoutText, rowsShape } from "./rows";

export type HostArray = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Elements that a tensor and its views share; gone when the tensor is destroyed. */
export class HostMemory {
  #data: HostArray | undefined;
  /** How often it has been written to. */
  written = 0;

  constructor(data: HostArray) {
    this.#data = data;
  }

  get data(): HostArray | undefined {
    return this.#data;
  }

  release(): void {
    this.#data = undefined;
  }
}

/** What stands in for a tensor on a device; views are made by `rows`. */
export class HostTensor implements DeviceTensor {
  readonly owner: unknown;
  readonly element: Element;
  readonly shape: readonly number[];
  readonly rowAlignment = 1;
  protected readonly memory: HostMemory;
  /** Of a view: the element of the memory that it begins at. */
  protected readonly view: number | undefined;

  /** @param owner the device; tensors of one are refused by others */
  constructor(owner: unknown, element: Element, shape: readonly number[], memory: HostMemory, view?: number) {
    this.owner = owner;
    this.element = element;
    this.shape = shape;
    this.memory = memory;
    this.view = view;
  }

  get heldBytes(): number {
    return this.view === undefined ? (this.memory.data?.byteLength ?? 0) : 0;
  }

  /** @throws KvernError KV4008 after `destroy` */
  contents(what: string): TensorData<HostArray> {
    const data = this.memory.data ?? refuse({ code: "KV4008", message: `${what}: the tensor ${layoutText(this)} has been destroyed`, mend: "Destroy a tensor after its last use." });
    const from = this.view ?? 0;
    return { shape: this.shape, data: data.subarray(from, from + elementCount(this.shape)) };
  }

  rows(first: number, count: number): HostTensor {
    const what = "a view of rows";
    this.contents(what);
    checkRows(what, this, first, count);
    return this.viewOf(rowsShape(this, count), (this.view ?? 0) + first * elementCount(this.shape.slice(1)));
  }

  reshaped(shape: readonly number[]): HostTensor {
    this.contents("a view under another shape");
    checkReshaped(this, shape);
    return this.viewOf(shape, this.view ?? 0);
  }

  sharesMemory(other: HostTensor): boolean {
    return this.memory === other.memory;
  }

  protected viewOf(shape: readonly number[], from: number): HostTensor {
    return new HostTensor(this.owner, this.element, shape, this.memory, from);
  }

  /** Writes checked rows of this element type from row `at` on. */
  write(what: string, at: number, rows: TensorData): void {
    this.contents(what).data.set(storedValues(this.element, rows), at * elementCount(this.shape.slice(1)));
    this.memory.written++;
  }

  read(): Promise<TensorData> {
    return new Promise((resolve) => {
      const { shape, data } = this.contents("reading a tensor back");
      resolve({ shape, data: data.slice() });
    });
  }

  destroy(): void {
    if (this.view === undefined) this.memory.release();
  }
}

/** An array for the elements of a tensor. Reals are NaN until they are written, which no kernel lets pass. */
export function hostArray(element: Element, shape: readonly number[]): HostArray {
  const count = elementCount(checkedShape(shape));
  if (count > LARGEST_SIZE) refuse({ code: "KV4102", message: `${elementName(element)} is too large`, expected: `at most ${LARGEST_SIZE} elements`, got: String(count) });
  switch (element.kind) {
    case "f32":
    case "f16": return new Float32Array(count).fill(NaN);
    case "i32": return new Int32Array(count);
    case "u32": return new Uint32Array(count);
    case "uint": return codeArray(count, element.bits);
  }
}

/** The memory of an uploaded tensor whose elements have been checked: a copy, as storage holds them. */
export function hostMemory(element: Element, tensor: TensorData): HostMemory {
  const data = hostArray(element, tensor.shape);
  data.set(storedValues(element, tensor));
  return new HostMemory(data);
}

/** @throws KvernError KV4008 where `tensor` is not the owner's, or has been destroyed */
export function hostTensor(owner: unknown, what: string, tensor: DeviceTensor): HostTensor {
  if (!(tensor instanceof HostTensor) || tensor.owner !== owner) {
    return refuse({ code: "KV4008", message: `${what} lies on another device`, expected: "a tensor of this device", mend: "read() it and give its elements." });
  }
  tensor.contents(what);
  return tensor;
}

/** An input that lies on the device: its elements. @throws KvernError KV3004 where its element type is another, and as `hostTensor` */
export function heldBy(owner: unknown, what: string, element: Element, input: DeviceTensor): HostTensor {
  const held = hostTensor(owner, what, input);
  if (!sameElement(held.element, element)) refuse({ code: "KV3004", message: `${what} has the wrong element type`, expected: elementName(element), got: elementName(held.element) });
  return held;
}

/** As `Device.copy`, between tensors of `owner`. */
export function copyHostRows(owner: unknown, copies: readonly RowCopy[]): void {
  const checked = copies.map(({ from, first = 0, count, to, at }) => {
    const target = hostTensor(owner, "the tensor to copy to", to);
    const source = isDeviceTensor(from) ? hostTensor(owner, "the tensor to copy from", from) : undefined;
    const given = isDeviceTensor(from) ? hostTensor(owner, "the tensor to copy from", from).contents("the tensor to copy from") : checkedTensor(from.shape, from.data);
    const element = source?.element ?? target.element;
    const rows = hostRows(element, given, first, count);
    checkRowPlace("what is copied", { element, shape: rows.shape }, { tensor: target, at });
    if (source === undefined) checkElements({ name: "rows", element, axes: [] }, rows, element.kind === "f32");
    else if (source.sharesMemory(target)) refuse({ code: "KV4010", message: "rows are copied within one memory", expected: "two tensors", mend: "Copy to a tensor of its own first." });
    return { target, at, rows };
  });
  for (const { target, at, rows } of checked) target.write("copying rows", at, rows);
}
