/**
 * @file A library of types for TypeScript, small enough to read in a few milliseconds: what the language and the code
 * around kernels use. A file that uses more is checked again with TypeScript's own library (`check.ts`), so leaving
 * something out costs time, never a false error.
 */

export const SMALL_LIBRARY = `
interface Function { readonly name: string; readonly length: number; call(self: any, ...args: any[]): any; apply(self: any, args?: any): any; bind(self: any, ...args: any[]): any }
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments { readonly length: number; [index: number]: any }
interface RegExp { test(text: string): boolean; readonly source: string }
interface Object { toString(): string; valueOf(): Object; hasOwnProperty(key: PropertyKey): boolean }
interface Symbol { toString(): string; readonly description: string | undefined }
interface SymbolConstructor { (description?: string): symbol; readonly iterator: unique symbol }
declare var Symbol: SymbolConstructor;

declare type PropertyKey = string | number | symbol;
type Partial<T> = { [P in keyof T]?: T[P] };
type Required<T> = { [P in keyof T]-?: T[P] };
type Readonly<T> = { readonly [P in keyof T]: T[P] };
type Pick<T, K extends keyof T> = { [P in K]: T[P] };
type Record<K extends keyof any, T> = { [P in K]: T };
type Exclude<T, U> = T extends U ? never : T;
type Extract<T, U> = T extends U ? T : never;
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>;
type NonNullable<T> = T & {};
type Parameters<T extends (...args: any) => any> = T extends (...args: infer P) => any ? P : never;
type ReturnType<T extends (...args: any) => any> = T extends (...args: any) => infer R ? R : any;
type NoInfer<T> = intrinsic;
type Uppercase<S extends string> = intrinsic;
type Lowercase<S extends string> = intrinsic;
type Capitalize<S extends string> = intrinsic;
type Uncapitalize<S extends string> = intrinsic;
interface ThisType<T> {}

interface IteratorYieldResult<T> { done?: false; value: T }
interface IteratorReturnResult<R> { done: true; value: R }
type IteratorResult<T, R = any> = IteratorYieldResult<T> | IteratorReturnResult<R>;
interface Iterator<T, R = any, N = any> { next(...args: [] | [N]): IteratorResult<T, R> }
interface Iterable<T, R = any, N = any> { [Symbol.iterator](): Iterator<T, R, N> }
interface IteratorObject<T, R = unknown, N = unknown> extends Iterator<T, R, N> { [Symbol.iterator](): IteratorObject<T, R, N> }
interface IterableIterator<T, R = any, N = any> extends Iterator<T, R, N> { [Symbol.iterator](): IterableIterator<T, R, N> }
type BuiltinIteratorReturn = intrinsic;
interface ArrayIterator<T> extends IteratorObject<T, BuiltinIteratorReturn, unknown> { [Symbol.iterator](): ArrayIterator<T> }
interface StringIterator<T> extends IteratorObject<T, BuiltinIteratorReturn, unknown> { [Symbol.iterator](): StringIterator<T> }
interface ArrayLike<T> { readonly length: number; readonly [n: number]: T }
interface TemplateStringsArray extends ReadonlyArray<string> { readonly raw: readonly string[] }

interface ConcatArray<T> { readonly length: number; readonly [n: number]: T; join(separator?: string): string; slice(start?: number, end?: number): T[] }
interface ReadonlyArray<T> {
  readonly length: number;
  readonly [n: number]: T;
  [Symbol.iterator](): ArrayIterator<T>;
  toString(): string;
  at(index: number): T | undefined;
  concat(...items: ConcatArray<T>[]): T[];
  concat(...items: (T | ConcatArray<T>)[]): T[];
  entries(): ArrayIterator<[number, T]>;
  every<S extends T>(predicate: (value: T, index: number, array: readonly T[]) => value is S, self?: any): this is readonly S[];
  every(predicate: (value: T, index: number, array: readonly T[]) => unknown, self?: any): boolean;
  filter<S extends T>(predicate: (value: T, index: number, array: readonly T[]) => value is S, self?: any): S[];
  filter(predicate: (value: T, index: number, array: readonly T[]) => unknown, self?: any): T[];
  find<S extends T>(predicate: (value: T, index: number, obj: readonly T[]) => value is S, self?: any): S | undefined;
  find(predicate: (value: T, index: number, obj: readonly T[]) => unknown, self?: any): T | undefined;
  findIndex(predicate: (value: T, index: number, obj: readonly T[]) => unknown, self?: any): number;
  findLast<S extends T>(predicate: (value: T, index: number, array: readonly T[]) => value is S, self?: any): S | undefined;
  findLast(predicate: (value: T, index: number, array: readonly T[]) => unknown, self?: any): T | undefined;
  findLastIndex(predicate: (value: T, index: number, array: readonly T[]) => unknown, self?: any): number;
  flat<A, D extends number = 1>(this: A, depth?: D): FlatArray<A, D>[];
  flatMap<U, This = undefined>(callback: (this: This, value: T, index: number, array: T[]) => U | readonly U[], self?: This): U[];
  forEach(action: (value: T, index: number, array: readonly T[]) => void, self?: any): void;
  includes(item: T, from?: number): boolean;
  indexOf(item: T, from?: number): number;
  join(separator?: string): string;
  keys(): ArrayIterator<number>;
  lastIndexOf(item: T, from?: number): number;
  map<U>(f: (value: T, index: number, array: readonly T[]) => U, self?: any): U[];
  reduce(f: (previous: T, current: T, index: number, array: readonly T[]) => T): T;
  reduce(f: (previous: T, current: T, index: number, array: readonly T[]) => T, initial: T): T;
  reduce<U>(f: (previous: U, current: T, index: number, array: readonly T[]) => U, initial: U): U;
  reduceRight(f: (previous: T, current: T, index: number, array: readonly T[]) => T): T;
  reduceRight(f: (previous: T, current: T, index: number, array: readonly T[]) => T, initial: T): T;
  reduceRight<U>(f: (previous: U, current: T, index: number, array: readonly T[]) => U, initial: U): U;
  slice(start?: number, end?: number): T[];
  some(predicate: (value: T, index: number, array: readonly T[]) => unknown, self?: any): boolean;
  toReversed(): T[];
  toSorted(compare?: (a: T, b: T) => number): T[];
  values(): ArrayIterator<T>;
  with(index: number, value: T): T[];
}
type FlatArray<A, D extends number> = { done: A; recur: A extends ReadonlyArray<infer I> ? FlatArray<I, [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20][D]> : A }[D extends -1 ? "done" : "recur"];
interface Array<T> {
  length: number;
  [n: number]: T;
  [Symbol.iterator](): ArrayIterator<T>;
  toString(): string;
  at(index: number): T | undefined;
  concat(...items: ConcatArray<T>[]): T[];
  concat(...items: (T | ConcatArray<T>)[]): T[];
  entries(): ArrayIterator<[number, T]>;
  every<S extends T>(predicate: (value: T, index: number, array: T[]) => value is S, self?: any): this is S[];
  every(predicate: (value: T, index: number, array: T[]) => unknown, self?: any): boolean;
  fill(value: T, start?: number, end?: number): this;
  filter<S extends T>(predicate: (value: T, index: number, array: T[]) => value is S, self?: any): S[];
  filter(predicate: (value: T, index: number, array: T[]) => unknown, self?: any): T[];
  find<S extends T>(predicate: (value: T, index: number, obj: T[]) => value is S, self?: any): S | undefined;
  find(predicate: (value: T, index: number, obj: T[]) => unknown, self?: any): T | undefined;
  findIndex(predicate: (value: T, index: number, obj: T[]) => unknown, self?: any): number;
  findLast<S extends T>(predicate: (value: T, index: number, array: T[]) => value is S, self?: any): S | undefined;
  findLast(predicate: (value: T, index: number, array: T[]) => unknown, self?: any): T | undefined;
  findLastIndex(predicate: (value: T, index: number, array: T[]) => unknown, self?: any): number;
  flat<A, D extends number = 1>(this: A, depth?: D): FlatArray<A, D>[];
  flatMap<U, This = undefined>(callback: (this: This, value: T, index: number, array: T[]) => U | readonly U[], self?: This): U[];
  forEach(action: (value: T, index: number, array: T[]) => void, self?: any): void;
  includes(item: T, from?: number): boolean;
  indexOf(item: T, from?: number): number;
  join(separator?: string): string;
  keys(): ArrayIterator<number>;
  lastIndexOf(item: T, from?: number): number;
  map<U>(f: (value: T, index: number, array: T[]) => U, self?: any): U[];
  pop(): T | undefined;
  push(...items: T[]): number;
  reduce(f: (previous: T, current: T, index: number, array: T[]) => T): T;
  reduce(f: (previous: T, current: T, index: number, array: T[]) => T, initial: T): T;
  reduce<U>(f: (previous: U, current: T, index: number, array: T[]) => U, initial: U): U;
  reduceRight(f: (previous: T, current: T, index: number, array: T[]) => T): T;
  reduceRight(f: (previous: T, current: T, index: number, array: T[]) => T, initial: T): T;
  reduceRight<U>(f: (previous: U, current: T, index: number, array: T[]) => U, initial: U): U;
  reverse(): T[];
  shift(): T | undefined;
  slice(start?: number, end?: number): T[];
  some(predicate: (value: T, index: number, array: T[]) => unknown, self?: any): boolean;
  sort(compare?: (a: T, b: T) => number): this;
  splice(start: number, count?: number, ...items: T[]): T[];
  toReversed(): T[];
  toSorted(compare?: (a: T, b: T) => number): T[];
  unshift(...items: T[]): number;
  values(): ArrayIterator<T>;
  with(index: number, value: T): T[];
}
interface ArrayConstructor {
  isArray(value: any): value is any[];
  of<T>(...items: T[]): T[];
  from<T>(items: Iterable<T> | ArrayLike<T>): T[];
  from<T, U>(items: Iterable<T> | ArrayLike<T>, f: (value: T, index: number) => U, self?: any): U[];
}
declare var Array: ArrayConstructor;

interface Boolean { valueOf(): boolean }
interface BooleanConstructor { <T>(value?: T): boolean }
declare var Boolean: BooleanConstructor;
interface Number { toString(radix?: number): string; toFixed(digits?: number): string; toExponential(digits?: number): string; toPrecision(digits?: number): string; valueOf(): number }
interface NumberConstructor {
  (value?: any): number;
  readonly MAX_VALUE: number; readonly MIN_VALUE: number; readonly NaN: number; readonly NEGATIVE_INFINITY: number; readonly POSITIVE_INFINITY: number;
  readonly EPSILON: number; readonly MAX_SAFE_INTEGER: number; readonly MIN_SAFE_INTEGER: number;
  isFinite(value: unknown): boolean; isInteger(value: unknown): boolean; isNaN(value: unknown): boolean; isSafeInteger(value: unknown): boolean;
  parseFloat(text: string): number; parseInt(text: string, radix?: number): number;
}
declare var Number: NumberConstructor;
declare var NaN: number;
declare var Infinity: number;
declare function isNaN(value: number): boolean;
declare function isFinite(value: number): boolean;
declare function parseInt(text: string, radix?: number): number;
declare function parseFloat(text: string): number;
interface String {
  readonly length: number;
  readonly [index: number]: string;
  [Symbol.iterator](): StringIterator<string>;
  toString(): string; valueOf(): string;
  at(index: number): string | undefined; charAt(at: number): string; charCodeAt(at: number): number; codePointAt(at: number): number | undefined;
  concat(...texts: string[]): string; endsWith(text: string, end?: number): boolean; includes(text: string, from?: number): boolean;
  indexOf(text: string, from?: number): number; lastIndexOf(text: string, from?: number): number;
  padEnd(length: number, fill?: string): string; padStart(length: number, fill?: string): string; repeat(count: number): string;
  replace(from: string | RegExp, to: string): string; replace(from: string | RegExp, to: (found: string, ...args: any[]) => string): string;
  replaceAll(from: string | RegExp, to: string): string; replaceAll(from: string | RegExp, to: (found: string, ...args: any[]) => string): string;
  slice(start?: number, end?: number): string; split(separator: string | RegExp, limit?: number): string[];
  startsWith(text: string, at?: number): boolean; substring(start: number, end?: number): string;
  toLowerCase(): string; toUpperCase(): string; trim(): string; trimEnd(): string; trimStart(): string;
}
interface StringConstructor { (value?: any): string; fromCharCode(...codes: number[]): string; fromCodePoint(...codes: number[]): string }
declare var String: StringConstructor;

interface ObjectConstructor {
  keys(o: {}): string[];
  values<T>(o: { [key: string]: T } | ArrayLike<T>): T[];
  values(o: {}): any[];
  entries<T>(o: { [key: string]: T } | ArrayLike<T>): [string, T][];
  entries(o: {}): [string, any][];
  fromEntries<T = any>(entries: Iterable<readonly [PropertyKey, T]>): { [k: string]: T };
  fromEntries(entries: Iterable<readonly any[]>): any;
  freeze<T extends Function>(f: T): T;
  freeze<T extends { [key: string]: U | null | undefined | object }, U extends string | bigint | number | boolean | symbol>(o: T): Readonly<T>;
  freeze<T>(o: T): Readonly<T>;
  hasOwn(o: object, key: PropertyKey): boolean;
}
declare var Object: ObjectConstructor;

interface Math {
  readonly E: number; readonly LN10: number; readonly LN2: number; readonly LOG2E: number; readonly LOG10E: number; readonly PI: number;
  readonly SQRT1_2: number; readonly SQRT2: number;
  abs(x: number): number; acos(x: number): number; acosh(x: number): number; asin(x: number): number; asinh(x: number): number;
  atan(x: number): number; atan2(y: number, x: number): number; atanh(x: number): number; cbrt(x: number): number; ceil(x: number): number;
  clz32(x: number): number; cos(x: number): number; cosh(x: number): number; exp(x: number): number; expm1(x: number): number;
  floor(x: number): number; fround(x: number): number; hypot(...values: number[]): number; imul(x: number, y: number): number;
  log(x: number): number; log10(x: number): number; log1p(x: number): number; log2(x: number): number; max(...values: number[]): number;
  min(...values: number[]): number; pow(x: number, y: number): number; random(): number; round(x: number): number; sign(x: number): number;
  sin(x: number): number; sinh(x: number): number; sqrt(x: number): number; tan(x: number): number; tanh(x: number): number; trunc(x: number): number;
}
declare var Math: Math;

interface PromiseLike<T> { then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): PromiseLike<A | B> }
interface Promise<T> {
  then<A = T, B = never>(done?: ((value: T) => A | PromiseLike<A>) | null, failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<A | B>;
  catch<B = never>(failed?: ((reason: any) => B | PromiseLike<B>) | null): Promise<T | B>;
}
interface PromiseConstructor { readonly prototype: Promise<any>; new <T>(start: (resolve: (value: T | PromiseLike<T>) => void, reject: (reason?: any) => void) => void): Promise<T>; resolve(): Promise<void>; resolve<T>(value: T): Promise<Awaited<T>> }
declare var Promise: PromiseConstructor;
interface PromiseConstructorLike { new <T>(start: (resolve: (value: T | PromiseLike<T>) => void, reject: (reason?: any) => void) => void): PromiseLike<T> }
type Awaited<T> = T extends null | undefined ? T : T extends object & { then(done: infer F, ...args: infer _): any } ? (F extends (value: infer V, ...args: infer _) => any ? Awaited<V> : never) : T;
interface Generator<T = unknown, R = any, N = any> extends IteratorObject<T, R, N> { next(...args: [] | [N]): IteratorResult<T, R>; return(value: R): IteratorResult<T, R>; throw(error: any): IteratorResult<T, R>; [Symbol.iterator](): Generator<T, R, N> }
interface Date { getTime(): number; getFullYear(): number; toISOString(): string; valueOf(): number }
interface DateConstructor { new (): Date; new (value: number | string | Date): Date; (): string; now(): number }
declare var Date: DateConstructor;
interface Console { log(...values: any[]): void; error(...values: any[]): void; warn(...values: any[]): void; info(...values: any[]): void; debug(...values: any[]): void }
declare var console: Console;
interface Map<K, V> { readonly size: number; get(key: K): V | undefined; has(key: K): boolean; set(key: K, value: V): this; delete(key: K): boolean; [Symbol.iterator](): IterableIterator<[K, V]> }
interface MapConstructor { new <K = any, V = any>(entries?: Iterable<readonly [K, V]> | readonly (readonly [K, V])[] | null): Map<K, V> }
declare var Map: MapConstructor;
interface Set<T> { readonly size: number; has(value: T): boolean; add(value: T): this; delete(value: T): boolean; [Symbol.iterator](): IterableIterator<T> }
interface SetConstructor { new <T = any>(values?: Iterable<T> | readonly T[] | null): Set<T> }
declare var Set: SetConstructor;

interface Error { name: string; message: string; stack?: string }
interface ErrorOptions { cause?: unknown }
interface ErrorConstructor { new (message?: string, options?: ErrorOptions): Error; (message?: string, options?: ErrorOptions): Error }
declare var Error: ErrorConstructor;
interface ReadonlyMap<K, V> { readonly size: number; get(key: K): V | undefined; has(key: K): boolean; [Symbol.iterator](): IterableIterator<[K, V]> }
interface ReadonlySet<T> { readonly size: number; has(value: T): boolean; [Symbol.iterator](): IterableIterator<T> }
interface Numbers_<Self> { readonly length: number; [index: number]: number; readonly byteLength: number; [Symbol.iterator](): ArrayIterator<number>; slice(start?: number, end?: number): Self; readonly BYTES_PER_ELEMENT: number }
interface NumbersConstructor_<Self> { new (length: number): Self; new (items: Iterable<number> | ArrayLike<number>): Self; from(items: Iterable<number> | ArrayLike<number>, f?: (value: number, index: number) => number): Self; of(...items: number[]): Self }
${["Float64", "Float32", "Int8", "Int16", "Int32", "Uint8", "Uint16", "Uint32"]
  .map((name) => `interface ${name}Array extends Numbers_<${name}Array> { readonly [Symbol.toStringTag]: "${name}Array" }\ndeclare var ${name}Array: NumbersConstructor_<${name}Array>;`)
  .join("\n")}
interface Uint8ClampedArray extends Numbers_<Uint8ClampedArray> { readonly [Symbol.toStringTag]: "Uint8ClampedArray" }
interface SymbolConstructor { readonly toStringTag: unique symbol }

declare module "kvern/compiler";
declare module "kvern/runtime";
`;

/** Modules that a file may import beside its kernels; they are no part of the language, and are not looked into. */
export const AMBIENT_MODULES = 'declare module "kvern/compiler";\ndeclare module "kvern/runtime";\n';
