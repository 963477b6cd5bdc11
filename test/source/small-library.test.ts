import { describe, expect, it } from "vitest";
import { checkWith } from "../../compiler/source/check";
import { filesInMemory } from "../../compiler/source/files";
import { packageSources } from "../../compiler/source/package";
import { BODIES, MODULES } from "../refuse/programs";
import { inBody, PRELUDE } from "./compiling";

/** What code around kernels uses of JavaScript's library. Each must pass with the small library, and with the full one. */
const ORDINARY = [
  "export const a = [3, 1, 2].map((n) => n * 2).filter((n) => n > 2).reduce((x, y) => x + y, 0) + [1].reduce((x, y) => x + y);",
  "export const a: readonly (readonly [string, number])[] = Object.entries({ a: 1, b: 2 }); export const b = a.map(([key, value]) => `${key}${value}`).join();",
  "export const a: Record<string, number> = Object.fromEntries([['a', 1], ['b', 2]] as const); export const b = Object.values(a).includes(2) && Object.keys(a).length > 1;",
  "export const a = Array.from({ length: 4 }, (_, i) => i).toReversed().at(-1) ?? 0; export const b: number[] = Array.from([1, 2]).concat([3], 4).flat();",
  "export const a = [[1, 2], [3]].flat().flatMap((n) => [n, n]).slice(1).indexOf(2); export const b = Array.isArray([1]) && Array.of(1, 2).some((n) => n > 1);",
  "export const a = [1, 2, 3].find((n) => n > 1)?.toFixed(2).padStart(8, '0').split('.').length; export const b = 'abc'.slice(1).toUpperCase().repeat(2).charCodeAt(0);",
  "export const a = (['x', 'y'] as const).map((key) => ({ key, at: key.length })); export const b = a.entries(); export const c = [...b].map(([i]) => i);",
  "export const a = [1, 2].every((n): n is 1 | 2 => n < 3) ? [1].with(0, 2).toSorted((x, y) => x - y) : [];",
  "export const a = Math.max(...[1, 2]) + Math.hypot(3, 4) + Math.imul(3, 4) + Math.PI + Number.MAX_SAFE_INTEGER + Number('4') + parseInt('7', 10); export const b = Number.isInteger(a) && !isNaN(a) && isFinite(a);",
  "type Options = Partial<Pick<{ a: number; b: string; c: boolean }, 'a' | 'b'>>; export const f = ({ a = 1, b = 'x' }: Readonly<Options> = {}): Required<Options> => ({ a, b }); export type R = ReturnType<typeof f>; export type P = Parameters<typeof f>[0]; export type O = Omit<R, 'a'> & Record<'z', NonNullable<number | undefined>>;",
  "export const a = (...rest: readonly number[]): number => rest.length; export const b = a(...[1, 2, 3]); export const [first, ...others] = [1, 2, 3]; export const { x, ...more } = { x: 1, y: 2 };",
  "export const a = Object.freeze({ n: 1 }).n; export const b = new Float32Array([1, 2]).length + new Uint8Array(3).length; export const c = String(1) + Boolean(0);",
  "export const a = async (): Promise<number> => { const n = await Promise.resolve(1); return n; }; export const b = new Map([[1, 'a']]).get(1); export const c = new Set([1]).has(1);",
];

const faultsWith = async (text: string, library: "small" | "full"): Promise<{ readonly texts: readonly string[]; readonly sure: boolean }> => {
  const { checked, sure } = checkWith(filesInMemory({ "program.ts": text }), await packageSources(), "/program.ts", library);
  return { texts: checked.faults.map(({ message, line, column }) => `${line ?? 0}:${column ?? 0} ${message}`), sure };
};

describe("the small library", () => {
  it.each(ORDINARY)("has %s", async (text) => {
    expect((await faultsWith(PRELUDE + text, "small")).texts).toEqual([]);
    expect((await faultsWith(PRELUDE + text, "full")).texts).toEqual([]);
  });

  it("finds, wherever it is sure, exactly what the full library finds", async () => {
    const programs = [...BODIES.map(([, body]) => inBody(body)), ...MODULES.map(([, text]) => text)];
    let unsure = 0;
    for (const program of programs) {
      const small = await faultsWith(PRELUDE + program, "small");
      if (!small.sure) unsure++;
      else expect((await faultsWith(PRELUDE + program, "full")).texts).toEqual(small.texts);
    }
    expect(unsure).toBeLessThan(programs.length / 10);
  }, 300_000);
});
