/** @file Values of options: read, checked, or refused with what would be legal. */

import { InvalidArgumentError } from "commander";
import { FEATURES, featuresOf, type DeviceFeatures } from "../compiler/program";
import type { Sizes } from "../spec/tensor/check";

/** `--set token=4096`, given any number of times, or once with commas. An axis's name has no white space and none of `# @ = ,`. */
export function axisSizes(text: string, before: Sizes = {}): Sizes {
  const sizes = new Map(Object.entries(before));
  for (const part of text.split(",")) {
    const [, axis, size] = /^([^\s#@=,]+)=(\d+)$/.exec(part.trim()) ?? [];
    if (axis === undefined || size === undefined) throw new InvalidArgumentError("Expected axis=size, such as token=4096.");
    const known = sizes.get(axis);
    if (known !== undefined && known !== Number(size)) throw new InvalidArgumentError(`\`${axis}\` is set twice, to ${known} and to ${size}.`);
    sizes.set(axis, Number(size));
  }
  return Object.fromEntries(sizes);
}

/** Between which values the elements of an input lie, by its name. */
export type Ranges = Readonly<Record<string, readonly [low: number, high: number]>>;

/** `--values x=-2..3.5`, given any number of times, or once with commas. */
export function valueRanges(text: string, before: Ranges = {}): Ranges {
  const ranges = new Map(Object.entries(before));
  for (const part of text.split(",")) {
    const [, input, from, to] = /^([^\s=,]+)=([^\s=,]+?)\.\.([^\s=,]+)$/.exec(part.trim()) ?? [];
    const [low, high] = [from, to].map((bound) => (bound !== undefined && /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(bound) ? Number(bound) : NaN));
    if (input === undefined || low === undefined || high === undefined || !(Math.abs(low) <= LARGEST && Math.abs(high) <= LARGEST && low <= high)) throw new InvalidArgumentError("Expected input=low..high with numbers of f32, such as x=-2..3.5.");
    if (ranges.has(input)) throw new InvalidArgumentError(`\`${input}\` is given twice.`);
    ranges.set(input, [low, high]);
  }
  return Object.fromEntries(ranges);
}

/** The largest f32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** A whole number from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Expected a whole number from ${least}.`);
    }
    return value;
  };
}

/** `2/8`: the second of eight parts. */
export function shardOf(text: string): { readonly at: number; readonly of: number } {
  const [, at, of] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (at === undefined || of === undefined || Number(at) < 1 || Number(at) > Number(of)) throw new InvalidArgumentError("Expected i/n with i from 1 to n, such as 2/8.");
  return { at: Number(at), of: Number(of) };
}

export const SET = ["--set <axis=n>", "fix the size of an axis; may be given again"] as const;

export const FEATURE_NAMES = ["--features <names>", `what the device has beyond WebGPU's defaults, with commas: ${Object.values(FEATURES).join(", ")}`] as const;

/** `--features subgroups,shader-f16`. */
export function deviceFeatures(text: string): DeviceFeatures {
  const names = text.split(",").map((name) => name.trim());
  const known: readonly string[] = Object.values(FEATURES);
  if (names.some((name) => !known.includes(name))) throw new InvalidArgumentError(`Expected ${known.join(", ")}, or several of them with commas.`);
  return featuresOf(new Set(names));
}

const BACKENDS = ["auto", "wgsl", "gpujs", "interpreter", "source"] as const;
export type Backend = (typeof BACKENDS)[number];

/** The name of a backend; whether it is there is for the runtime to say. */
export function backendName(text: string): Backend {
  const found = BACKENDS.find((name) => name === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${BACKENDS.join(", ")}.`);
  return found;
}

const PLANS = ["direct", "folds"] as const;

/** How kernels are planned. */
export function plansName(text: string): (typeof PLANS)[number] {
  const found = PLANS.find((name) => name === text);
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${PLANS.join(", ")}.`);
  return found;
}
