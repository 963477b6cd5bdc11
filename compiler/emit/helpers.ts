/** @file Functions that WGSL lacks, as it is written at the head of a module that uses them. `spec/numerics.md` gives the formulas. */

/** The largest finite f32, which stands for +∞. */
const S = "0x1.fffffep+127f";

export const HELPERS = {
  /** `wrapped` is an integer modulo 2³², `estimate` the integer to within 2³⁰: the integer, forced into i32. */
  saturated: `fn saturated(wrapped: i32, estimate: f32) -> i32 {
  if (estimate > 3.2e9 || (estimate > 1.0e9 && wrapped < 0)) { return 2147483647; }
  if (estimate < -3.2e9 || (estimate < -1.0e9 && wrapped > 0)) { return i32(-2147483648); }
  return wrapped;
}`,
  floorDivide: `fn floorDivide(a: i32, b: i32) -> i32 {
  let q = a / b;
  return q - select(0, 1, a - q * b < 0);
}`,
  wholePower: `fn wholePower(base: f32, exponent: u32) -> f32 {
  var square = base;
  var result = 1.0;
  for (var rest = exponent; rest > 0u; rest = rest >> 1u) {
    if ((rest & 1u) == 1u) { result = result * square; }
    square = square * square;
  }
  return result;
}`,
  realPower: `fn realPower(base: f32, exponent: f32) -> f32 {
  if (base <= 0.0) { return select(0.0, ${S}, exponent < 0.0); }
  return exp2(exponent * log2(base));
}`,
  anyPower: `fn anyPower(base: f32, exponent: f32) -> f32 {
  let size = abs(base);
  if (exponent == 0.0) { return 1.0; }
  if (abs(exponent) >= ${S}) { return select(0.0, ${S}, (size > 1.0) == (exponent > 0.0)); }
  let odd = fract(abs(exponent) * 0.5) == 0.5;
  let sign = select(1.0, -1.0, base < 0.0 && odd);
  if (size == 0.0) { return select(0.0, sign * ${S}, exponent < 0.0); }
  if (size >= ${S}) { return select(0.0, sign * ${S}, exponent > 0.0); }
  return sign * exp2(exponent * log2(size));
}`,
  cubeRoot: `fn cubeRoot(x: f32) -> f32 {
  if (x == 0.0) { return 0.0; }
  return sign(x) * exp2(log2(abs(x)) * 0.33333334);
}`,
  expMinusOne: `fn expMinusOne(x: f32) -> f32 {
  if (abs(x) >= 0.35) { return exp(x) - 1.0; }
  return x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0 * (1.0 + x / 8.0)))))));
}`,
  logOnePlus: `fn logOnePlus(x: f32) -> f32 {
  if (abs(x) >= 0.5) { return log(1.0 + x); }
  let z = x / (2.0 + x);
  let s = z * z;
  return 2.0 * z * (1.0 + s * (1.0 / 3.0 + s * (1.0 / 5.0 + s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s / 13.0))))));
}`,
  quadrant: `fn quadrant(y: f32, x: f32) -> f32 {
  if (y == 0.0) { return select(0.0, 3.1415927, x < 0.0); }
  if (x == 0.0) { return select(-1.5707964, 1.5707964, y > 0.0); }
  return atan2(y, x);
}`,
  rounded: `fn rounded(x: f32) -> f32 {
  let below = floor(x);
  return select(below, below + 1.0, x - below >= 0.5);
}`,
  half: `fn half(x: f32) -> u32 {
  let sign = select(0u, 0x8000u, x < 0.0);
  if (abs(x) >= 65520.0) { return sign | 0x7c00u; }
  return pack2x16float(vec2f(clamp(x, -65504.0, 65504.0), 0.0)) & 0xffffu;
}`,
  /** Joins the values of lanes whose numbers differ in the bits from `first` up to `past`, both powers of two, by pairs of lanes. */
  sumAcross: across("sumAcross", "all + other"),
  maxAcross: across("maxAcross", "max(all, other)"),
  minAcross: across("minAcross", "min(all, other)"),
} as const;

function across(name: string, joined: string): string {
  return `fn ${name}(own: f32, first: i32, past: i32) -> f32 {
  var all = own;
  for (var apart = first; apart < past; apart = apart * 2) {
    let other = subgroupShuffleXor(all, u32(apart));
    all = ${joined};
  }
  return all;
}`;
}

export type Helper = keyof typeof HELPERS;
