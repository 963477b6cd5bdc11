import { describe, expect, it } from "vitest";
import { meaning, printed } from "./compiling";

describe("the example of the first page", () => {
  it("becomes this graph", async () => {
    const text = `import { coupled } from "kvern/formats";
const cache = coupled([token, kvHead, channel], { couple: 8, bits: 8 });
export const attend = kernel(
  { q: f32(head, channel), keys: cache, values: cache },
  f32(head, channel),
  ({ q, keys, values }) => (h, c) => {
    const kv = groupOf(h, head, kvHead);
    const score = (t: number) => sum(channel, (c) => q(h, c) * keys(t, kv, c)) / Math.sqrt(extent(channel));
    const weight = softmax(token, score);
    return sum(token, (t) => weight(t) * values(t, kv, c));
  },
);`;
    expect(await printed(text)).toMatchInlineSnapshot(`
      "kernel attend
      axes head, channel, token, kvHead, \`channel/8\`, code8 = 256, lane8 = 8
      input q: f32[head, channel]
      input keys.codes: uint8[token, kvHead, \`channel/8\`]
      input keys.book: f16[kvHead, \`channel/8\`, code8, lane8]
      input values.codes: uint8[token, kvHead, \`channel/8\`]
      input values.book: f16[kvHead, \`channel/8\`, code8, lane8]
      output out: f32[head, channel]
      %1[head] = head // (extent(head) // extent(kvHead))
      %2[head, token] = extent(channel)^-0.5 * (sum channel < extent(channel): q[head, channel] * keys.book[%1[head], channel // 8, keys.codes[token, %1[head], channel // 8], channel % 8])
      %3[head] = (max token < extent(token): %2[head, token])
      %4[head, token] = exp(-(%3[head] = -Infinity ? 0 : %3[head]) + %2[head, token])
      %5[head] = (sum token < extent(token): %4[head, token])
      out[head, channel] = (sum token < extent(token): (%5[head] = 0 ? 1 : %5[head])^-1 * %4[head, token] * values.book[%1[head], channel // 8, values.codes[token, %1[head], channel // 8], channel % 8])
      provided extent(kvHead) divides extent(head)
      provided 8 divides extent(channel)
      provided 0 <= channel' // 8 < extent(\`channel/8\`) in keys.codes
      provided 0 <= channel' // 8 < extent(\`channel/8\`) in keys.book
      provided 0 <= channel // 8 < extent(\`channel/8\`) in values.codes
      provided 0 <= channel // 8 < extent(\`channel/8\`) in values.book"
    `);
  });

  it("with every size fixed owes nothing", async () => {
    const text = `import { coupled } from "kvern/formats";
const H = axis("head", 32), K = axis("kvHead", 8), C = axis("channel", 128);
const cache = coupled([token, K, C], { couple: 8, bits: 8 });
export const attend = kernel({ q: f32(H, C), keys: cache }, f32(H, token), ({ q, keys }) => (h, t) => sum(C, (c) => q(h, c) * keys(t, groupOf(h, H, K), c)));`;
    expect(await printed(text)).toMatchInlineSnapshot(`
      "kernel attend
      axes head = 32, channel = 128, token, kvHead = 8, \`channel/8\` = 16, code8 = 256, lane8 = 8
      input q: f32[head, channel]
      input keys.codes: uint8[token, kvHead, \`channel/8\`]
      input keys.book: f16[kvHead, \`channel/8\`, code8, lane8]
      output out: f32[head, token]
      out[head, token] = (sum channel < 128: q[head, channel] * keys.book[head // 4, channel // 8, keys.codes[token, head // 4, channel // 8], channel % 8])"
    `);
  });
});

describe("what is known while compiling disappears", () => {
  it("a factory with numbers and names", async () => {
    const text = `const make = (n: number, mode: "plain" | "half", scale = 1) => kernel({ x: f32(token) }, f32(token), ({ x }) => (t) => {
  const value = n > 4 ? x(t) : 2 * x(t);
  if (mode === "half") return value / 2;
  return value * scale;
});
export const a = make(4, "half");
export const b = make(8, "plain", 3);`;
    expect(await printed(text)).toMatchInlineSnapshot(`
      "kernel a
      axes token
      input x: f32[token]
      output out: f32[token]
      out[token] = x[token]
      kernel b
      axes token
      input x: f32[token]
      output out: f32[token]
      out[token] = 3 * x[token]"
    `);
  });

  it.each([
    ["true ? x(t) : x(t + 1)", "out[token] = x[token]"],
    ["extent(code) === 16 ? x(t) : 0", "out[token] = x[token]"],
    ["codes(t) < 16 ? x(t) : 0", "out[token] = x[token]"],
    ["codes(t) >= 0 && x(t) > 0 ? 1 : 0", "out[token] = 0 < x[token] ? 1 : 0"],
    ["[1, 2, 3].map((n) => n * x(t)).reduce((a, b) => a + b)", "out[token] = 6 * x[token]"],
    ["[3, 1, 2].toSorted((a, b) => a - b).indexOf(2)", "out[token] = 1"],
    ["Array.from({ length: 4 }, (_, i) => i).filter((i) => i % 2 === 1).length * x(t)", "out[token] = 2 * x[token]"],
    ["Object.entries({ a: 1, b: 2 }).map(([key, n]) => (key === 'b' ? n : 0)).concat([5]).at(-1) ?? 0", "out[token] = 5"],
    ["`a${1 + 1}b`.length * x(t)", "out[token] = 3 * x[token]"],
    ["'4,5'.split(',').map(Number).reduce((a, b) => a + b, 0)", "out[token] = 9"],
    ["Math.max(...[1, 4, 2]) + Math.hypot(3, 4) + Math.PI * 0", "out[token] = 9"],
    ["[x(t), 1].some((n) => n > 2) ? 1 : 0", "out[token] = 2 < x[token] ? 1 : 0"],
    ["[x(t), codes(t)].every((n) => n > 2) ? 1 : 0", "out[token] = 2 < x[token] & 2 < codes[token] ? 1 : 0"],
    ["[x, (i: number) => x(clamp(i + 1, token))].map((f) => f(t)).reduce((a, b) => Math.max(a, b))", "out[token] = max(x[token], x[min(extent(token) - 1, token + 1)])"],
    ["((n?: number) => n ?? 7)()", "out[token] = 7"],
    ["((options: { n?: number } = {}) => options.n ?? 7)({ n: 3 })", "out[token] = 3"],
    ["(({ a, ...rest }: { a: number; b: number; c: number }) => a + Object.keys(rest).length)({ a: 1, b: 2, c: 3 })", "out[token] = 3"],
    ["(([a, , b = 4, ...more]: number[]) => (a ?? 0) + b + more.length)([1, 2, 3, 9, 9])", "out[token] = 6"],
    ["((...all: readonly number[]) => all.length)(...[1, 2], 3)", "out[token] = 3"],
    ["const r = { f(n: number) { return n * 2; } }; return r.f(x(t));", "out[token] = 2 * x[token]"],
    ["(x(t) as number)! + (2 satisfies number)", "out[token] = x[token] + 2"],
    ["typeof x(t) === 'number' ? 1 : 0", "out[token] = 1"],
    ["token.name.length + (token.extent ?? 3)", "out[token] = 8"],
  ])("%s", async (text, graph) => {
    expect(await meaning(text)).toBe(graph);
  });
});

describe("operators and functions", () => {
  it.each([
    ["x(t) % 3", "out[token] = x[token] % 3"],
    ["codes(t) % 3", "out[token] = codes[token] % 3"],
    ["(codes(t) & 3) | (codes(t) << 2)", "out[token] = ((codes[token] & 3) | (codes[token] << 2))"],
    ["~codes(t)", "out[token] = (codes[token] ^ (-1))"],
    ["x(t) ** 2 - x(t) ** 0.5", "out[token] = x[token]^2 - pow(x[token], 0.5)"],
    ["-x(t) / (x(t) + 1)", "out[token] = -x[token] * (x[token] + 1)^-1"],
    ["Math.max(x(t), 1, codes(t))", "out[token] = max(codes[token], max(1, x[token]))"],
    ["Math.sqrt(x(t) * x(t) + 1)", "out[token] = (x[token]^2 + 1)^0.5"],
    ["Math.hypot(x(t), 3)", "out[token] = (x[token]^2 + 9)^0.5"],
    ["Math.floor(t / 4) + t % 4", "out[token] = token // 4 + token % 4"],
    ["Math.round(x(t)) + Math.trunc(x(t)) + Math.ceil(x(t)) + Math.abs(x(t)) + Math.sign(x(t))", "out[token] = round(x[token]) + trunc(x[token]) - floor(-x[token]) + abs(x[token]) + sign(x[token])"],
    ["x(t) > 1 && x(t) < 2 || !(codes(t) === 3) ? 1 : 0", "out[token] = 1 < x[token] & x[token] < 2 | !(codes[token] = 3) ? 1 : 0"],
    ["(x(t) > 0) === (codes(t) > 0) ? 1 : 0", "%1[token] = 0 < x[token]\nout[token] = %1[token] & 0 < codes[token] | !%1[token] & codes[token] < 1 ? 1 : 0"],
    ["x(t) !== 0 ? 1 / x(t) : 0", "out[token] = x[token] = 0 ? 0 : x[token]^-1"],
    ["x(t) === -Infinity ? 0 : x(t)", "out[token] = x[token] = -Infinity ? 0 : x[token]"],
    ["Number(x(t) > 0)", "out[token] = 0 < x[token] ? 1 : 0"],
    ["all(token, (u) => x(u) > 0) ? 1 : 0", "out[token] = (any token < extent(token) | !(0 < x[token]):) ? 0 : 1"],
    ["any(code, (k) => table(k) > x(t)) ? argmax(code, table) : argmin(code, (k) => table(k))", "out[token] = (any code < 16 | x[token] < table[code]:) ? (argmax code < 16: table[code]) : (argmin code < 16: table[code])"],
    ["min(token, (u) => x(u) - x(t))", "out[token] = -x[token] + (min token < extent(token): x[token])"],
    ["sum(token, () => 1)", "out[token] = extent(token)"],
    ["sum(token, x)", "out[token] = (sum token < extent(token): x[token])"],
    ["sum(token, (u) => (u < t ? x(u) : 0))", "out[token] = (sum token' < extent(token) | token' < token: x[token'])"],
    ["max(token, (u) => sum(token, (v) => x(u) * x(v)))", "out[token] = (max token < extent(token): (sum token < extent(token): x[token]) * x[token])"],
  ])("%s", async (text, graph) => {
    expect(await meaning(text)).toBe(graph);
  });
});
