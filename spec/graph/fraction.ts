/** @file Floating-point coefficients as the fractions of small integers that they were written as. */

export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** The fraction with the least denominator up to 2¹⁶ that rounds to `x`, if there is one. */
export function fraction(x: number): readonly [numerator: number, denominator: number] | undefined {
  let [h0, h1, k0, k1] = [0, 1, 1, 0];
  let rest = Math.abs(x);
  for (let step = 0; step < 24; step++) {
    const whole = Math.floor(rest);
    [h0, h1] = [h1, whole * h1 + h0];
    [k0, k1] = [k1, whole * k1 + k0];
    if (k1 > 65536) return undefined;
    if (Math.abs(h1 / k1 - Math.abs(x)) <= Math.abs(x) * 2 ** -51) return [Math.sign(x) * h1, k1];
    if (rest === whole) return undefined;
    rest = 1 / (rest - whole);
  }
  return undefined;
}
