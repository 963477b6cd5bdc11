import type { Entry } from "./entry";

/**
 * KV10nn: files and TypeScript's own faults. KV11nn: outside the language. KV12nn: kernels and their signatures. An
 * example without `kernel(` stands in a body `({ x, codes, table }) => (t) => …` of a kernel whose inputs are
 * `x: f32(token)`, `codes: uint(4)(token)` and `table: f32(code)`, with `code = axis("code", 16)`.
 */
export const SOURCE = {
  KV1001: {
    title: "a TypeScript error",
    example: 'const n: number = "four"; return n;',
    mend: "const n: number = 4; return n;",
  },
  KV1002: {
    title: "a source file that cannot be read",
    example: 'compileFile("atention.ts") // there is no such file',
    mend: 'compileFile("attention.ts")',
  },
  KV1003: {
    title: "a file that is not TypeScript",
    example: 'compileFile("attention.py")',
    mend: 'compileFile("attention.ts")',
  },
  KV1101: {
    title: "a loop",
    example: "for (const u of [0, 1]) { if (u > 0) return x(t); } return 0;",
    mend: "return sum(token, (u) => x(u));",
  },
  KV1102: {
    title: "a variable that can change",
    example: "let total = x(t); return total;",
    mend: "const total = x(t); return total;",
  },
  KV1103: {
    title: "something that changes a value",
    example: "const list = [x(t)]; return list.push(1);",
    mend: "const list = [x(t)]; return [...list, 1].length;",
  },
  KV1104: {
    title: "a function that does not answer at once: async, or a generator",
    example: "const f = async () => x(t); return f() === undefined ? 0 : 1;",
    mend: "const f = () => x(t); return f();",
  },
  KV1105: {
    title: "recursion",
    example: "const total = (n: number): number => (n <= 0 ? 0 : x(t) + total(n - 1)); return total(3);",
    mend: "return sum(code, (n) => (n < 3 ? x(t) : 0));",
  },
  KV1106: {
    title: "a class, `this` or `new`",
    example: "class Scale { readonly by = 2; } return new Scale().by * x(t);",
    mend: "const scale = { by: 2 }; return scale.by * x(t);",
  },
  KV1107: {
    title: "an exception",
    example: 'if (t > 5) throw new Error("no"); return x(t);',
    mend: "return t > 5 ? 0 : x(t);",
  },
  KV1108: {
    title: "something from outside that is not the same every time, or not a number",
    example: "x(t) * Math.random()",
    mend: "kernel({ x: f32(token), noise: f32(token) }, f32(token), ({ x, noise }) => (t) => x(t) * noise(t))",
  },
  KV1109: {
    title: "a function called through `any`",
    example: "const f: any = x; return f(t);",
    mend: "const f = x; return f(t);",
  },
  KV1110: {
    title: "a comparison with == or !=",
    example: "x(t) == 0 ? 1 : 2",
    mend: "x(t) === 0 ? 1 : 2",
  },
  KV1111: {
    title: "a number where a condition is needed",
    example: "x(t) ? 1 : 2",
    mend: "x(t) !== 0 ? 1 : 2",
  },
  KV1112: {
    title: "an operator that the language does not have",
    example: 'const r = { a: 1 }; return "a" in r ? 1 : 2;',
    mend: "const r = { a: 1 }; return r.a;",
  },
  KV1113: {
    title: "a bitwise operator on what is not proved to be a 32-bit integer",
    example: "x(t) & 3",
    mend: "codes(t) & 3",
  },
  KV1114: {
    title: "a kind of value that the language does not have",
    example: "x(t) * Number(4n)",
    mend: "x(t) * 4",
  },
  KV1115: {
    title: "a number that is none: NaN",
    example: "x(t) > 0 ? x(t) : NaN",
    mend: "x(t) > 0 ? x(t) : 0",
  },
  KV1116: {
    title: "a choice, by data, between things that are not numbers or conditions",
    example: "const f = x(t) > 0 ? Math.exp : Math.abs; return f(x(t));",
    mend: "return x(t) > 0 ? Math.exp(x(t)) : Math.abs(x(t));",
  },
  KV1117: {
    title: "something that must be known while compiling, and depends on data",
    example: "[1, 2, 3][t] ?? 0",
    mend: "t === 0 ? 1 : t === 1 ? 2 : 3",
  },
  KV1118: {
    title: "a statement that does nothing",
    example: "x(t); return 0;",
    mend: "return x(t);",
  },
  KV1119: {
    title: "a construct that the language does not have",
    example: "const f = (s: TemplateStringsArray) => s.length; return f`text` * x(t);",
    mend: 'const f = (s: string) => s.length; return f("text") * x(t);',
  },
  KV1120: {
    title: "a function of Math that kernels do not have",
    example: "Math.clz32(codes(t))",
    mend: "31 - Math.floor(Math.log2(Math.max(codes(t), 1)))",
  },
  KV1121: {
    title: "a value of the wrong kind",
    example: "const f = (n?: number) => n; return 1 + (f() as number);",
    mend: "const f = (n: number) => n; return 1 + f(1);",
  },
  KV1122: {
    title: "a switch",
    example: "switch (codes(t)) { case 0: return 1; default: return 2; }",
    mend: "return codes(t) === 0 ? 1 : 2;",
  },
  KV1123: {
    title: "a program that grows beyond bounds",
    example: "Array.from({ length: 1e9 }, () => x(t)).length",
    mend: "extent(token) * x(t)",
  },
  KV1124: {
    title: "a constant that is used before it has a value",
    example: "const f = () => later; const first = f(); const later = 1; return first;",
    mend: "const later = 1; const f = () => later; return f();",
  },
  KV1125: {
    title: "something from another package, or without a body",
    example: "declare const gain: number; export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) * gain);",
    mend: "const gain = 2; export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) * gain);",
  },
  KV1201: {
    title: "part of the language in a place where it means nothing",
    example: "const n = extent(token); export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) / n);",
    mend: "export const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t) / extent(token));",
  },
  KV1202: {
    title: "a kernel without outputs",
    example: "kernel({ x: f32(token) }, {}, () => ({}))",
    mend: "kernel({ x: f32(token) }, { out: f32(token) }, ({ x }) => ({ out: (t) => x(t) }))",
  },
  KV1203: {
    title: "an input and an output of one name",
    example: "kernel({ x: f32(token) }, { x: f32(token) }, ({ x }) => ({ x: (t) => x(t) + 1 }))",
    mend: "kernel({ x: f32(token) }, { next: f32(token) }, ({ x }) => ({ next: (t) => x(t) + 1 }))",
  },
  KV1204: {
    title: "a name that a kernel cannot be exported by",
    example: 'const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t)); export { k as "a kernel" };',
    mend: "const k = kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => x(t)); export { k as aKernel };",
  },
} as const satisfies Record<string, Entry>;
