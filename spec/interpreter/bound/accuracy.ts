/**
 * @file What each backend promises of its arithmetic, as numbers: the tables of `spec/numerics.md`, which derives them. A
 * bound is computed from one of these, and holds for nothing that promises less.
 */

/** How a function comes out: off by `ulps` units, and by `perMagnitude` more for each unit of the magnitude of its argument. */
export interface FunctionAccuracy {
  readonly ulps: number;
  readonly perMagnitude: number;
}

export interface Accuracy {
  /** The backend, and its mode if it has several. */
  readonly name: string;
  /** The relative error of a rounding: of + − ·, and of a constant that the arithmetic does not hold. */
  readonly unit: number;
  /** The relative error of storing a number between two kernels, where that rounds once more than its operation did; else 0. */
  readonly store: number;
  /** What underflow can cost an operation. */
  readonly flush: number;
  /** Numbers below this may be taken for 0 where they are read: 2⁻¹²⁶, or 0 where subnormal numbers are numbers. */
  readonly leastNormal: number;
  /** Roundings of a division, one more among them as it may be a product with a reciprocal. */
  readonly division: number;
  /** Roundings of a square root. */
  readonly squareRoot: number;
  readonly exp: FunctionAccuracy;
  /** Units of a logarithm, and its absolute error between ½ and 2, where that is no multiple of its result. */
  readonly log: { readonly ulps: number; readonly nearOne: number };
  /** Absolute, for arguments of at most `within`; nothing is promised of others. */
  readonly sine: { readonly absolute: number; readonly within: number };
  /** Absolute. */
  readonly tanh: number;
  /** Units of atan and atan2. */
  readonly arcTangent: number;
  /** Absolute errors of asin and acos, where they are computed through atan2, or worse; undefined where all functions are JavaScript's. */
  readonly arcSine: number | undefined;
  /** By which exponential and logarithm a power is computed. */
  readonly power: "base 2" | "natural";
  /** Storing as f16. */
  readonly half: { readonly relative: number; readonly absolute: number; readonly flushes: boolean };
  /** A plan replaces the reference of an exponential at most once for so many positions of its axis. */
  readonly tile: number;
}

/**
 * What an f64 rounding of the interpreter itself takes beside one of f32: 2⁻⁵³ against at least 2⁻²⁴. A table's units are
 * larger by this, so that the interpreter's own roundings are inside every bound that has at least one of f32.
 */
const OWN = 1 + 2 ** -20;

/** WGSL, "Floating Point Accuracy": correct rounding without a mode, so that either neighbour may come. */
export const WGSL: Accuracy = {
  name: "WGSL",
  unit: 2 ** -23 * OWN,
  store: 0,
  flush: 2 ** -126,
  leastNormal: 2 ** -126,
  division: 3.5,
  squareRoot: 5,
  exp: { ulps: 3, perMagnitude: 2 },
  log: { ulps: 3, nearOne: 2 ** -21 },
  sine: { absolute: 2 ** -11, within: Math.PI },
  tanh: 1e-5,
  arcTangent: 4096,
  arcSine: 6.77e-5,
  power: "base 2",
  half: { relative: 2 ** -10, absolute: 2 ** -14, flushes: true },
  tile: 32,
};

/** gpu.js prints WGSL or GLSL, and powers as `exp(y · log(x))`; halves are rounded where JavaScript reads them, to the nearest. */
const SHADER: Accuracy = { ...WGSL, power: "natural", half: { relative: 2 ** -11, absolute: 2 ** -25, flushes: false }, tile: Infinity };

/** f32 rounded to nearest; functions are JavaScript's of f64, rounded to f32. */
const WEBASM: Accuracy = {
  ...SHADER,
  name: "gpu.js webasm",
  unit: 2 ** -24 * OWN,
  flush: 2 ** -149,
  leastNormal: 0,
  division: 2,
  squareRoot: 1,
  exp: { ulps: 1, perMagnitude: 0 },
  log: { ulps: 1, nearOne: 0 },
  sine: { absolute: 2 ** -24 * OWN, within: Infinity },
  // Beyond 15 the argument is taken for 15.
  tanh: 2 ** -24 * OWN,
  arcTangent: 1,
  arcSine: undefined,
};

/** The modes of gpu.js. */
export const GPUJS: Readonly<Record<"cpu" | "webasm" | "webgpu" | "webgl2", Accuracy>> = {
  cpu: {
    ...WEBASM,
    name: "gpu.js cpu",
    // As much for the interpreter's f64 as for the kernel's.
    unit: 2 ** -52 * OWN,
    store: 2 ** -24 * OWN,
    // An f64 function is off by less than an ULP, twice a rounding; and the interpreter's by as much.
    squareRoot: 1,
    exp: { ulps: 2, perMagnitude: 0 },
    log: { ulps: 2, nearOne: 0 },
    sine: { absolute: 2 ** -51, within: Infinity },
    tanh: 2 ** -41,
    arcTangent: 2,
  },
  webasm: WEBASM,
  webgpu: { ...SHADER, name: "gpu.js webgpu" },
  webgl2: { ...SHADER, name: "gpu.js webgl2" },
};

/** The relative error of roundings one after another, and of as many numbers stored in between: (1 + unit)^roundings · (1 + store)^stores − 1. */
export const gamma = ({ unit, store }: Accuracy, roundings: number, stores: number): number => Math.expm1(roundings * unit + stores * store);
