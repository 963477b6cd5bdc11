import { describe, expect, test } from "vitest";
import { version } from "../../package.json";
import { Folder } from "./kvern";
import { DOUBLE } from "./programs";

const folder = new Folder();
folder.write("double.ts", DOUBLE);

const COMMANDS = ["check", "build", "run", "explain", "fuzz", "demo"];

describe("help", () => {
  test("lists the commands and the exit codes", () => {
    const { code, stdout, stderr } = folder.kvern("--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(stdout).toContain("Exit codes: 0 fine");
  });

  test.each(COMMANDS)("of %s names its options", (command) => {
    const { code, stdout } = folder.kvern(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: kvern ${command} `));
  });

  test("goes to the standard error stream, with exit code 2, where there is no command", () => {
    const { code, stdout, stderr } = folder.kvern();
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("Usage: kvern");
  });

  test("the version is the package's", () => {
    expect(folder.kvern("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});

const HINT = "  kvern --help lists the commands; kvern COMMAND --help its options.\n";

test.each([
  [["chekc", "double.ts"], "error KV5201: unknown command 'chekc'\n  (Did you mean check?)\n"],
  [["check"], "error KV5201: missing required argument 'file'\n"],
  [["check", "double.ts", "--jsn"], "error KV5201: unknown option '--jsn'\n  (Did you mean --json?)\n"],
  [["build", "double.ts"], "error KV5201: required option '--out <dir>' not specified\n"],
  [["run", "double.ts", "--out", "y"], "error KV5201: required option '--kernel <name>' not specified\n"],
  [["run", "double.ts", "--kernel", "double", "--out", "y"], "error KV5201: required option '--in <file>' not specified: the kernel takes x\n"],
  [["explain", "double.ts", "more.ts", "--kernel", "k"], "error KV5201: too many arguments for 'explain'. Expected 1 argument but got 2.\n"],
  [["explain", "double.ts", "--kernel", "double", "--set", "n=many"], "error KV5202: option '--set <axis=n>' argument 'n=many' is invalid. Expected axis=size, such as token=4096.\n"],
  [["explain", "double.ts", "--kernel", "double", "--set", "n=1", "--set", "n=2"], "error KV5202: option '--set <axis=n>' argument 'n=2' is invalid. `n` is set twice, to 1 and to 2.\n"],
  [["explain", "double.ts", "--kernel", "double", "--set", "__proto__=1", "--set", "__proto__=2"], "error KV5202: option '--set <axis=n>' argument '__proto__=2' is invalid. `__proto__` is set twice, to 1 and to 2.\n"],
  [["run", "double.ts", "--kernel", "double", "--out", "y", "--backend", "cuda"], "error KV5202: option '--backend <name>' argument 'cuda' is invalid. Expected one of auto, wgsl, gpujs, interpreter, source.\n"],
  [["build", "double.ts", "--out", "o", "--features", "f16"], "error KV5202: option '--features <names>' argument 'f16' is invalid. Expected subgroups, shader-f16, or several of them with commas.\n"],
  [["explain", "double.ts", "--kernel", "double", "--plan", "p.json", "--features", "subgroups"], "error KV5201: option '--features <names>' goes without '--plan <file>': a plan says what it was made for\n"],
  [["fuzz", "--runs", "0"], "error KV5202: option '--runs <n>' argument '0' is invalid. Expected a whole number from 1.\n"],
  [["fuzz", "double.ts"], "error KV5201: required option '--kernel <name>' not specified\n"],
  [["fuzz", "--backend", "interpreter"], "error KV5202: option '--backend <name>' argument 'interpreter' is invalid. It is what the others are compared with.\n"],
])("a wrong command line, %j, is said once and exits with 2", (args, message) => {
  expect(folder.kvern(...args)).toEqual({ code: 2, stdout: "", stderr: message + HINT });
});
