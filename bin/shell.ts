/**
 * @file The shell's commands behind one parser. Each command is a file of `commands/` that loads what it needs when it
 * runs, so that `--help` costs nothing.
 */

import { Command, CommanderError } from "commander";
import { version } from "../package.json";
import { build } from "./commands/build";
import { calibrate } from "./commands/calibrate";
import { check } from "./commands/check";
import { demo } from "./commands/demo";
import { explain } from "./commands/explain";
import { fuzz } from "./commands/fuzz";
import { run } from "./commands/run";
import { EXIT, reportCommandLine, reportFault } from "./faults";

/** Runs one command line, without `node kvern` in front, prints what it has to say and sets the process's exit code. */
export async function shell(args: readonly string[]): Promise<void> {
  try {
    await parser().parseAsync(args, { from: "user" });
  } catch (fault) {
    if (!(fault instanceof CommanderError)) process.exitCode = await reportFault(fault);
    else if (fault.exitCode !== 0) {
      reportCommandLine(fault);
      process.exitCode = EXIT.commandLine;
    }
  }
}

function parser(): Command {
  const program = new Command("kvern")
    .description("Compiles kernels written in typed TypeScript to the GPU.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .exitOverride()
    // What is wrong with a command line is said once, by `reportCommandLine`.
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", "\nkvern COMMAND --help says more about a command.\nExit codes: 0 fine, 1 a fault in what was given, 2 a wrong command line, 70 a fault of kvern.");
  for (const declare of [check, build, run, explain, fuzz, calibrate, demo]) declare(program);
  return program;
}
