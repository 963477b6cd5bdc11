/** @file Numbers for tests: reproducible, and multiples of 1/64 within ±8, so that f32 and f16 hold them exactly. */

export const numbers = (count: number, seed: number): readonly number[] => {
  let state = seed * 2654435761;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 12) % 1024) / 64 - 8;
  });
};

export const range = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
