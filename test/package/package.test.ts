import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { dependencies, optionalDependencies } from "../../package.json";
import { Folder, ROOT } from "../shell/kvern";

/** A project that has installed what `npm pack` makes. */
const project = new Folder();
let packed: readonly string[];

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

beforeAll(() => {
  const text = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", project.path], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const [archive] = JSON.parse(text) as readonly Packed[];
  if (archive === undefined) throw new Error("nothing was packed");
  packed = archive.files.map(({ path }) => path);
  const modules = join(project.path, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  execFileSync("tar", ["-xzf", archive.filename], { cwd: project.path });
  execFileSync("mv", ["package", join(modules, "kvern")], { cwd: project.path });
  symlinkSync("../kvern/dist/bin/kvern.js", join(modules, ".bin/kvern"));
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  project.write("package.json", '{ "type": "module" }');
});

test("what is packed is the build, the sources of the language, the examples, and the papers", () => {
  for (const file of ["dist/kvern.js", "dist/formats.js", "dist/compiler.js", "dist/runtime.js", "dist/bin/kvern.js", "spec/index.ts", "examples/attention.ts", "examples/tales/model.safetensors", "LICENSE", "README.md"]) {
    expect(packed).toContain(file);
  }
  const folders = new Set(packed.map((path) => path.split("/")[0]));
  expect([...folders].sort()).toEqual(["LICENSE", "README.md", "dist", "examples", "package.json", "spec"]);
});

const CONSUMER = `import { axis, evaluate, f32, kernel, softmax, sum, type Axis, type Index } from "kvern";
import { coupled } from "kvern/formats";
import { compileSource, CompileError, type SerialisedGraph } from "kvern/compiler";
import { openDevice, tensor, type Device, type PreparedKernel } from "kvern/runtime";

const n: Axis<"n"> = axis("n"), m = axis("m");
const f = kernel({ x: f32(n) }, f32(n), ({ x }) => (i: Index<"n">) => softmax(n, x)(i));
// @ts-expect-error an index of another axis
kernel({ x: f32(n, m) }, f32(n, m), ({ x }) => (i, j) => x(j, i));
export const { out } = evaluate(f, { x: { shape: [2], data: [0, 0] } });
export const cache = coupled([n, m, axis("c")], { couple: 8, bits: 8 });

const program = 'import { axis, f32, kernel, sum } from "kvern";\\nconst n = axis("n");\\nexport const total = kernel({ x: f32(n) }, f32(), ({ x }) => () => sum(n, x));\\n';
const graph: SerialisedGraph | undefined = (await compileSource({ "total.ts": program }, "total.ts")).kernels["total"];
const device: Device = await openDevice({ backend: "interpreter" });
const prepared: PreparedKernel = await device.prepare(graph);
const total = (await prepared.run({ x: tensor([3], [1, 2, 4]) }))["out"];
await device.close();
const refused = await compileSource({ "bad.ts": "let x = 1;\\nexport {}; x.y" }, "bad.ts").catch((error: unknown) => error instanceof CompileError);
console.log(JSON.stringify([Array.from(out.data), total?.data[0], refused, typeof sum]));
`;

describe("a project that uses it", () => {
  test.each([
    { module: "NodeNext", moduleResolution: "NodeNext" },
    { module: "ESNext", moduleResolution: "Bundler" },
  ])("type-checks with $moduleResolution, declarations included", (resolution) => {
    project.write("src/main.ts", CONSUMER);
    expect(project.tsc({ ...resolution, skipLibCheck: false, noEmit: true }, "src")).toBe("");
  });

  test("runs", () => {
    project.write("src/main.ts", CONSUMER);
    expect(project.tsc({ module: "NodeNext", rootDir: join(project.path, "src"), outDir: join(project.path, "js") }, "src")).toBe("");
    expect(project.node("js/main.js")).toEqual({ code: 0, stdout: '[[0.5,0.5],7,true,"function"]\n', stderr: "" });
  });

  test("has the command, which compiles and evaluates its files", () => {
    project.write("total.ts", 'import { axis, f32, kernel, sum } from "kvern";\nconst n = axis("n");\nexport const total = kernel({ x: f32(n) }, f32(), ({ x }) => () => sum(n, x));\n');
    const bin = join(project.path, "node_modules/.bin/kvern");
    expect(execFileSync(bin, ["check", "total.ts"], { cwd: project.path, encoding: "utf8" })).toBe("total.ts: total\n");
    expect(execFileSync(bin, ["fuzz", "total.ts", "--kernel", "total", "--runs", "2", "--backend", "source"], { cwd: project.path, encoding: "utf8" })).toContain("2 runs from seed 1: 0 failures");
  });
});

test("the command's own start needs neither TypeScript nor a device", () => {
  const entry = readFileSync(join(ROOT, "dist/bin/kvern.js"), "utf8");
  const packages = [...entry.matchAll(/^import [^;]*?"([^"]+)";$/gm)].flatMap(([, from = ""]) => (from.startsWith("../chunks/") || from.startsWith("node:") ? [] : [from]));
  expect(new Set(packages)).toEqual(new Set(["commander", "picocolors"]));
});
