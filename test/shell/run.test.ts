import { describe, expect, test } from "vitest";
import { readSafetensors, tensor, writeSafetensors, type TensorData } from "kvern/runtime";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Folder, type Ended } from "./kvern";
import { DOUBLE } from "./programs";

const folder = new Folder();
folder.write("double.ts", DOUBLE);

const x = tensor([3], Float32Array.of(1, -2, 0.25));
const codes = tensor([3], Uint8Array.of(1, 7, 15));
const write = (name: string, tensors: Readonly<Record<string, TensorData>>): string => folder.write(name, writeSafetensors(tensors));
const read = (name: string) => readSafetensors(new Uint8Array(readFileSync(join(folder.path, name)))).tensors;

function run(kernel: string, input: string, ...more: readonly string[]): Ended {
  return folder.kvern("run", "double.ts", "--kernel", kernel, "--in", input, "--out", "out.safetensors", "--backend", "interpreter", ...more);
}

describe("a run", () => {
  test.each(["interpreter", "source"])("on %s writes the outputs in the types of the kernel's signature", (backend) => {
    write("in.safetensors", { x, codes });
    const { code, stdout, stderr } = folder.kvern("run", "double.ts", "--kernel", "both", "--in", "in.safetensors", "--out", `${backend}.safetensors`, "--backend", backend);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^both on .*\ntotal: f32 \[\] = \[\]\nlow: uint\(2\) \[n\] = \[3\]\nwritten to .*\n$/);
    expect(read(`${backend}.safetensors`)).toEqual({
      total: { dtype: "F32", shape: [], data: Float32Array.of(-0.75) },
      low: { dtype: "U8", shape: [3], data: Uint8Array.of(1, 3, 3) },
    });
  });

  test("on auto says which device, and why", () => {
    write("in.safetensors", { x });
    const { code, stdout } = folder.kvern("run", "double.ts", "--kernel", "double", "--in", "in.safetensors", "--out", "auto.safetensors");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^double on (wgsl: .+ \((hardware|software)\); .+|interpreter: .+; .+)\n/);
    expect(read("auto.safetensors")["out"]?.data).toEqual(Float32Array.of(2, -4, 0.5));
  });
});

describe("bad input is one message, exit code 1, and no file", () => {
  /** What is said of a run that must fail, and that it left nothing behind. */
  function refused({ code, stdout, stderr }: Ended): string {
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(folder.list().filter((name) => name.includes("out.safetensors"))).toEqual([]);
    return stderr;
  }

  test("a kernel that is not there", () => {
    expect(refused(run("duoble", write("in.safetensors", { x })))).toMatchInlineSnapshot(`
      "double.ts - error KV5203: there is no kernel \`duoble\` among the exports

        expected: \`double\`, \`both\`
        got:      \`duoble\`
        mend:     Did you mean \`--kernel double\`?
      "
    `);
  });

  test("a file of inputs that is not there", () => {
    expect(refused(run("double", "nowhere.safetensors"))).toMatchInlineSnapshot(`
      "nowhere.safetensors - error KV5001: the file cannot be read

        got:      ENOENT: no such file or directory, open 'nowhere.safetensors'
      "
    `);
  });

  test("a file of inputs that was cut off", () => {
    const whole = writeSafetensors({ x });
    expect(refused(run("double", folder.write("short.safetensors", whole.slice(0, -4))))).toMatchInlineSnapshot(`
      "short.safetensors - error KV5002: the tensor "x" lies outside the file

        expected: 0 ≤ begin ≤ end ≤ 8, the bytes after the header
        got:      [0, 12]
        mend:     Fetch or write the file again.
      "
    `);
  });

  test("a file of inputs that is no safetensors", () => {
    expect(refused(run("double", "double.ts"))).toMatchInlineSnapshot(`
      "double.ts - error KV5002: the header is too long, or this is no safetensors file

        expected: up to 100000000 bytes
        got:      8872219300764609897 bytes
        mend:     Fetch or write the file again.
      "
    `);
  });

  test("an input with another name", () => {
    expect(refused(run("double", write("in.safetensors", { y: x })))).toMatchInlineSnapshot(`
      "error KV3001: the input \`x\` [n] is missing

        expected: f32 over [n]
        got:      only \`y\`

      error KV3002: there is no input \`y\`

        expected: \`x\`
        got:      \`y\`
      "
    `);
  });

  test("an input with another shape", () => {
    expect(refused(run("double", write("in.safetensors", { x: tensor([1, 3], x.data) })))).toMatchInlineSnapshot(`
      "error KV3003: the input \`x\` [n] has the wrong shape

        expected: 1 size, of the axes [n]
        got:      [1, 3]
        mend:     Give a record { shape, data } with one size per axis, in the order of the axes.
      "
    `);
  });

  test("inputs that disagree on an axis", () => {
    expect(refused(run("both", write("in.safetensors", { x, codes: tensor([2], Uint8Array.of(1, 2)) })))).toMatchInlineSnapshot(`
      "error KV2103: the axis \`n\` is bound to two sizes

        expected: 3 (from the shape [3] of \`x\`)
        got:      2 (from the shape [2] of \`codes\`)
      "
    `);
  });

  test("an input of another type", () => {
    expect(refused(run("both", write("in.safetensors", { x, codes: tensor([3], Float32Array.of(1, 2, 3)) })))).toMatchInlineSnapshot(`
      "error KV3004: the elements of the input \`codes\` are not uint(4)

        expected: a Uint8Array (or another array of whole numbers), or a Uint32Array of packed words
        got:      Float32Array
      "
    `);
  });

  test("a code that its type cannot hold", () => {
    expect(refused(run("both", write("in.safetensors", { x, codes: tensor([3], Uint8Array.of(1, 16, 3)) })))).toMatchInlineSnapshot(`
      "error KV3005: the input \`codes\` holds 16 at [1]

        expected: whole numbers from 0 to 15
        got:      16
      "
    `);
  });

  test("a size for an axis that is not there", () => {
    expect(refused(run("double", write("in.safetensors", { x }), "--set", "m=3"))).toMatchInlineSnapshot(`
      "error KV2106: \`set\` names \`m\`, which is no axis of the kernel

        expected: \`n\`
        got:      \`m\`
      "
    `);
  });

  test("a size that the inputs contradict", () => {
    expect(refused(run("double", write("in.safetensors", { x }), "--set", "n=4"))).toMatchInlineSnapshot(`
      "error KV2103: the axis \`n\` is bound to two sizes

        expected: 4 (\`set\`)
        got:      3 (from the shape [3] of \`x\`)
      "
    `);
  });

  test("a code beyond its codebook", () => {
    folder.write("book.ts", `import { axis, f32, kernel, uint } from "kvern";
const n = axis("n"), centroid = axis("centroid");
export const decode = kernel({ codes: uint(4)(n), book: f32(centroid) }, f32(n), ({ codes, book }) => (i) => book(codes(i)));
`);
    write("in.safetensors", { codes, book: tensor([8], new Float32Array(8)) });
    expect(refused(folder.kvern("run", "book.ts", "--kernel", "decode", "--in", "in.safetensors", "--out", "out.safetensors", "--backend", "interpreter"))).toMatchInlineSnapshot(`
      "book.ts:3:110 - error KV2001: \`book\` may be read outside its axis \`centroid\`

        2 | const n = axis("n"), centroid = axis("centroid");
      > 3 | export const decode = kernel({ codes: uint(4)(n), book: f32(centroid) }, f32(n), ({ codes, book }) => (i) => book(codes(i)));
          |                                                                                                              ^^^^^^^^^^^^^^
        4 |

        expected: an index from 0 to 7
        got:      an index from 0 to 15
        mend:     Force the index into the axis, \`clamp(i, centroid)\`, or read only under a condition on it: \`i < extent(centroid) ? … : 0\`.
      "
    `);
  });

  test("a mode where there is none", () => {
    expect(refused(run("double", write("in.safetensors", { x }), "--mode", "cpu"))).toMatchInlineSnapshot(`
      "error KV4003: the backend \`interpreter\` has no mode \`cpu\`

        expected: no \`mode\`
        got:      \`cpu\`
        mend:     Open { backend: "gpujs", mode: "cpu" }.
      "
    `);
  });

  test("a mode of gpu.js that is not there", () => {
    write("in.safetensors", { x });
    expect(refused(folder.kvern("run", "double.ts", "--kernel", "double", "--in", "in.safetensors", "--out", "out.safetensors", "--backend", "gpujs", "--mode", "metal"))).toMatchInlineSnapshot(`
      "error KV4003: the backend \`gpujs\` has no mode \`metal\`

        expected: \`webgpu\`, \`webgl2\`, \`webasm\`, \`cpu\`
        got:      \`metal\`
      "
    `);
  });

  test("a folder for the outputs that is not there", () => {
    write("in.safetensors", { x });
    const ended = folder.kvern("run", "double.ts", "--kernel", "double", "--in", "in.safetensors", "--out", "missing/out.safetensors", "--backend", "interpreter");
    expect(refused(ended).replaceAll(folder.path, "")).toMatch(/^missing\/out\.safetensors - error KV5004: the file cannot be written\n\n  got: +ENOENT: .+\n$/);
  });

  test("a module that throws when it is evaluated", () => {
    folder.write("throws.ts", `${DOUBLE}\nexport const size = (): number => 3;\nimport "./missing-at-run-time.js";\n`);
    const { code, stderr } = folder.kvern("run", "throws.ts", "--kernel", "double", "--in", write("in.safetensors", { x }), "--out", "out.safetensors", "--backend", "source");
    expect(code).toBe(1);
    expect(stderr).toContain("error KV");
  });
});
