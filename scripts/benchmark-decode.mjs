/**
 * Times one decode step over a CQ-8c8b cache, 8 heads of 128 channels, as WGSL and in every mode of gpu.js, in Node and in
 * a headless Chromium, beside loops in plain JavaScript and a chain written for gpu.js by hand; then what gpu.js itself
 * takes: `node scripts/build.mjs && node scripts/benchmark-decode.mjs [TOKENS…]`. Ratios in one run are worth something,
 * milliseconds belong to the machine.
 */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compileFile } from "../dist/compiler.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const internals = fileURLToPath(new URL("../dist/benchmark/decode.js", import.meta.url));
mkdirSync(new URL("../dist/benchmark", import.meta.url), { recursive: true });
// Two folders below the root, where the harness of the tests is as well: it looks for its files from there.
await build({
  stdin: { resolveDir: root, contents: 'export * from "./scripts/benchmark/decode"; export { costs } from "./scripts/benchmark/costs"; export { launchChromium } from "./test/device/chromium"; export { openGpuJsPage } from "./test/gpujs/open-page";' },
  outfile: internals, bundle: true, format: "esm", platform: "node", target: "node20", packages: "external", logLevel: "warning",
});
const { compare, costs, kernelsOf, launchChromium, openGpuJsPage } = await import(internals);

const IN_NODE = ["wgsl", "cpu", "webasm", "webgpu"];
const IN_CHROMIUM = ["wgsl", "webgl2", "webgpu"];
const lengths = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1024, 4096, 16384];

const { attend: graph } = (await compileFile(fileURLToPath(new URL("../examples/decode.ts", import.meta.url)))).kernels;
const chromium = await launchChromium();

/** Has a fresh page do something. */
async function inPage(request) {
  const { page, close } = await openGpuJsPage(chromium.browser, "scripts/benchmark/page.ts", "'self'");
  try {
    return await page.evaluate(`globalThis.report(${JSON.stringify(request)})`);
  } finally {
    await close();
  }
}

const ratio = (value) => (value === undefined || value === null ? "" : `${value.toFixed(2)} ×`).padStart(11);
const nameOf = (backend) => (backend === "wgsl" ? "WGSL" : `gpu.js ${backend}`);
function print(place, results) {
  for (const result of results) {
    const name = `${nameOf(result.backend)}, ${place}`.padEnd(26);
    console.log("why" in result ? `${name} ${result.why}` : `${name}${result.time.toFixed(2).padStart(9)}${ratio(result.toHand)}${ratio(result.toPlain)}${ratio(result.toWgsl)}  ${result.off.toExponential(1)}  ${result.first.toFixed(0).padStart(6)} ms`);
  }
}

const NO_CHROMIUM = "Chromium does not start here";
try {
  for (const tokens of lengths) {
    console.log(`\n${`${tokens} tokens`.padEnd(26)}       ms  × by hand    × plain     × WGSL   off by  first run`);
    print("Node", await compare({ graph, tokens, backends: IN_NODE }));
    print("Chromium", chromium === undefined ? IN_CHROMIUM.map((backend) => ({ backend, why: NO_CHROMIUM })) : await inPage({ graph, tokens, backends: IN_CHROMIUM }));
  }
  console.log(`\nWhat gpu.js itself takes: milliseconds for a call of one kernel that copies a number, and for each further kernel of a
chain; nanoseconds for a thread, and in it for a turn of a loop, a multiplication with an addition, a number read, an exponential\n`);
  const show = (place, found) => found.forEach(({ mode, call, kernel, ...rest }) => {
    const times = [["call", call, 3], ["kernel", kernel, 3], ...["thread", "turn", "operations", "load", "exp"].map((name) => [name, rest[name], 2])];
    console.log(`${`${mode}, ${place}`.padEnd(18)}${times.map(([name, time, digits]) => `${name} ${time.toFixed(digits)}`.padStart(17)).join("")}`);
  });
  show("Node", await costs(IN_NODE.slice(1)));
  if (chromium !== undefined) show("Chromium", await inPage({ modes: IN_CHROMIUM.slice(1) }));
  console.log(`Kernels of a step: ${lengths.map((tokens) => `${kernelsOf(graph, tokens)} at ${tokens} tokens`).join(", ")}; 6 by hand`);
} finally {
  await chromium?.close();
}
