/**
 * @file Running a kernel as the TypeScript it is: f64, one index at a time. This is the meaning that compiled kernels
 * are held to.
 */

import { refuse } from "../diagnostics/diagnostic";
import { bindSizes, checkElements, elementCount, elementName, integerRange, own, shapeText, type Signature, type TensorData } from "../tensor";
import type { Axis } from "./axis";
import { bindReaders, flattened } from "./bind";
import type { Inputs, Readers } from "./inputs";
import { isOneOutput, type Kernel, type Outputs } from "./kernel";
import { extent, withSizes } from "./sizes";
import type { TensorSpec } from "./tensor-spec";

/** Dotted names of the tensors behind inputs `I`. */
export type TensorNames<I extends Inputs, Prefix extends string = ""> = {
  [K in keyof I & string]: I[K] extends { readonly storage: infer S extends Inputs } ? TensorNames<S, `${Prefix}${K}.`> : `${Prefix}${K}`;
}[keyof I & string];

/** The tensors a kernel with inputs `I` is given. */
export type InputTensors<I extends Inputs> = { readonly [Name in TensorNames<I>]: TensorData };

/** A tensor as a kernel computes it. */
export type ComputedTensor = TensorData<Float64Array>;

/** The tensors a kernel with outputs `O` returns; a single output is called `out`. */
export type OutputTensors<O extends Outputs> = O extends TensorSpec ? { readonly out: ComputedTensor } : { readonly [K in keyof O]: ComputedTensor };

export interface EvaluateOptions {
  /** Sizes of axes that no input binds. Sizes of axes that inputs bind must agree with them. */
  readonly set?: Readonly<Record<string, number>>;
}

/**
 * Runs `kernel` on `inputs`, given by dotted name. Inputs become what their storage holds (f32 and f16 round); outputs
 * are the numbers that the body returned, unrounded; integers are saturated to the range of their type.
 * @throws KvernError KV20nn for an index outside its axis, KV21nn for sizes that are missing or contradict each other,
 * KV30nn for tensors that do not fit the kernel. Nothing of an evaluation outlives it.
 */
export const evaluate = <I extends Inputs, O extends Outputs>(
  kernel: Kernel<I, O>,
  inputs: InputTensors<I>,
  { set = {} }: EvaluateOptions = {},
): OutputTensors<O> => {
  const { outputs } = kernel;
  const specs = flattened(kernel.inputs);
  const one = isOneOutput(outputs);
  const results: ReadonlyMap<string, TensorSpec> = new Map(one ? [["out", outputs]] : Object.entries(outputs));
  const given = present(inputs);

  const signature = signatureOf(specs, results, Object.keys(set));
  const sizes = new Map(Object.entries(bindSizes(signature, given, set)));
  for (const spec of signature.inputs) {
    const input = own(given, spec.name);
    if (input !== undefined) checkElements(spec, input, true);
  }
  return withSizes(sizes, () => {
    const elements: unknown = kernel.body(bindReaders(kernel.inputs, given) as Readers<I>);
    const computed = [...results].map(([name, spec]) => {
      const element = one ? elements : memberOf(elements, name);
      if (!isFunction(element)) {
        return refuse({ code: "KV3010", message: `the body does not compute the output \`${name}\``, expected: "a function of its indices", got: typeof element });
      }
      return [name, compute(name, spec, element)];
    });
    return Object.fromEntries(computed) as OutputTensors<O>;
  });
};

/** The inputs that are there at all: code without types may pass null, which counts as missing. */
const present = (inputs: Readonly<Record<string, TensorData | null>> | null): Readonly<Record<string, TensorData>> =>
  Object.fromEntries(Object.entries(inputs ?? {}).filter((entry): entry is [string, TensorData] => entry[1] !== null));

/** What the kernel takes and gives. Which axes occur only inside the body is not known here, so `set` may name any. */
const signatureOf = (inputs: ReadonlyMap<string, TensorSpec>, outputs: ReadonlyMap<string, TensorSpec>, set: readonly string[]): Signature => {
  const tensors = (specs: ReadonlyMap<string, TensorSpec>) =>
    [...specs].map(([name, { element, axes }]) => ({ name, element, axes: axes.map((axis) => axis.name) }));
  const declared = [...inputs.values(), ...outputs.values()].flatMap((spec) => spec.axes).flatMap(declarations);
  return { axes: [...declared, ...set.map((name) => ({ name }))], inputs: tensors(inputs), outputs: tensors(outputs) };
};

/** An axis as it is declared, after those that it goes through. */
const declarations = ({ name, extent: size, parts }: Axis): Signature["axes"] => {
  if (parts === undefined) return [size === undefined ? { name } : { name, extent: size }];
  return [...parts.flatMap(declarations), { name, parts: parts.map((part) => part.name) }];
};

const memberOf = (record: unknown, name: string): unknown =>
  typeof record === "object" && record !== null ? own(record as Readonly<Record<string, unknown>>, name) : undefined;

type Element = (...at: readonly number[]) => unknown;

const isFunction = (value: unknown): value is Element => typeof value === "function";

/**
 * Every element of an output.
 * @throws KvernError KV3009 for an integer element that is none, KV3010 for one that is not a number.
 */
const compute = (name: string, spec: TensorSpec, element: Element): ComputedTensor => {
  const shape = spec.axes.map(extent);
  const data = new Float64Array(elementCount(shape));
  const range = integerRange(spec.element);
  const at = shape.map(() => 0);
  for (let offset = 0; offset < data.length; offset++) {
    const value = element(...at);
    if (typeof value !== "number") {
      return refuse({ code: "KV3010", message: `the body does not compute the output \`${name}\`${place(at)}`, expected: "a number", got: typeof value });
    }
    if (range === undefined) data[offset] = value;
    else if (Number.isInteger(value)) data[offset] = Math.min(Math.max(value, range[0]), range[1]);
    else {
      refuse({
        code: "KV3009",
        message: `the output \`${name}\`, of ${elementName(spec.element)}, is not an integer${place(at)}`,
        expected: "an integer",
        got: String(value),
        mend: "Math.round(x) or Math.floor(x) makes an integer of a number.",
      });
    }
    advance(at, shape);
  }
  return { shape, data };
};

const place = (at: readonly number[]): string => (at.length === 0 ? "" : ` at ${shapeText(at)}`);

/** Moves `at` to the next element in row-major order. */
const advance = (at: number[], shape: readonly number[]): void => {
  for (let k = at.length - 1; k >= 0; k--) {
    const next = (at[k] ?? 0) + 1;
    if (next < (shape[k] ?? 0)) {
      at[k] = next;
      return;
    }
    at[k] = 0;
  }
};
