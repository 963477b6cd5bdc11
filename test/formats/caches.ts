/** @file Axes and data the tests of formats share, and a kernel that reads a whole cache. */

import { f16round } from "@petamoriken/float16";
import { axis, evaluate, f32, kernel, type EncodedSpec, type Axis, type InputTensors, type Inputs } from "kvern";

export const token = axis("token"), head = axis("head"), channel = axis("channel");
export const axes = [token, head, channel] as const;

type CacheSpec<S extends Inputs> = EncodedSpec<readonly [Axis<"token">, Axis<"head">, Axis<"channel">], S>;

/** The kernel that reads every element of a cache. */
export const reading = <S extends Inputs>(cache: CacheSpec<S>) =>
  kernel({ cache }, f32(token, head, channel), ({ cache }) => cache as (t: number, h: number, c: number) => number);

/** Every element of a cache, row-major. */
export const decode = <S extends Inputs>(cache: CacheSpec<S>, storage: InputTensors<{ cache: CacheSpec<S> }>, sizes: Readonly<Record<string, number>>) =>
  [...evaluate(reading(cache), storage, { set: sizes }).out.data];

export const half = f16round;

/** Reproducible numbers of various magnitudes, none of which f16 holds exactly. */
export const irregular = (count: number, seed: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 12.9898 + seed * 78.233) * (1 + (i % 7))));
