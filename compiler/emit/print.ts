/** @file Prints blocks: drops unused names, puts names used once where they are used, and numbers the rest. */

import { InternalError } from "../../spec/diagnostics/diagnostic";
import { LEVEL, type Block, type Code, type Line, type Name, type Operand, type Text } from "./code";

/** The longest expression that is put where its name is used. */
const WIDEST = 72;

interface Use {
  count: number;
  /** Whether a use stands outside the name's own block. */
  elsewhere: boolean;
}

/** How a language declares what never changes, and what does. */
export interface Words {
  readonly constant: string;
  readonly variable: string;
}

export class Printer {
  readonly #words: Words;
  readonly #uses = new Map<Name, Use>();
  readonly #text = new Map<Name, Text | string>();
  #made = 0;

  constructor(words: Words = { constant: "let", variable: "var" }) {
    this.#words = words;
  }

  /** The lines of a block, indented below it by two spaces. */
  print(block: Block): readonly string[] {
    this.#countBlock(block);
    return this.#lines(block);
  }

  // Counting: from effects to what they need, so that what nothing needs is never reached.

  #countBlock(block: Block): void {
    for (const line of block.lines) {
      switch (line.kind) {
        case "let": break;
        case "var": this.#countCode(line.initial, block); break;
        case "effect": this.#countCode(line.text, block); break;
        case "nest":
          // What is evaluated again and again keeps its name, as it does elsewhere than in its own block.
          if (line.head !== undefined) this.#countCode(line.head, line.repeats ? line.block : block);
          this.#countBlock(line.block);
          if (line.otherwise !== undefined) this.#countBlock(line.otherwise);
      }
    }
  }

  #countCode(code: Code, at: Block): void {
    if (code.kind === "text") {
      for (const part of code.parts) if (typeof part !== "string") this.#countCode(part.code, at);
      return;
    }
    const use = this.#uses.get(code);
    if (use !== undefined) {
      use.count++;
      use.elsewhere ||= code.block !== at;
      return;
    }
    this.#uses.set(code, { count: 1, elsewhere: code.block !== at });
    if (code.value !== undefined) this.#countCode(code.value, code.block);
  }

  // Printing.

  #lines(block: Block): string[] {
    const lines: string[] = [];
    for (const line of block.lines) lines.push(...this.#line(line));
    return lines;
  }

  #line(line: Line): readonly string[] {
    switch (line.kind) {
      case "let": {
        const { name } = line;
        const use = this.#uses.get(name);
        if (use === undefined || name.value === undefined) return [];
        const text = this.#render(name.value);
        if (use.count === 1 && !use.elsewhere && text.length <= WIDEST) {
          this.#text.set(name, { kind: "text", level: name.value.kind === "text" ? name.value.level : LEVEL.atom, parts: [text] });
          return [];
        }
        return [`${this.#words.constant} ${this.#name(name)} = ${text};`];
      }
      case "var": {
        if (!this.#uses.has(line.name)) return [];
        const initial = this.#render(line.initial);
        return [`${this.#words.variable} ${this.#name(line.name)} = ${initial};`];
      }
      case "effect": return [`${this.#render(line.text)};`];
      case "nest": {
        if (line.head === undefined) return this.#lines(line.block);
        const inner = (nested: Block): readonly string[] => this.#lines(nested).map((text) => `  ${text}`);
        const head = this.#render(line.head);
        const body = inner(line.block);
        return line.otherwise === undefined ? [`${head} {`, ...body, "}"] : [`${head} {`, ...body, "} else {", ...inner(line.otherwise), "}"];
      }
    }
  }

  /** The name as printed; made when its declaration is. */
  #name(name: Name): string {
    const known = this.#text.get(name);
    if (typeof known === "string") return known;
    if (known !== undefined) throw new InternalError("a name that was put in place is named");
    const made = `${name.hint}${this.#made++}`;
    this.#text.set(name, made);
    return made;
  }

  #render(code: Code): string {
    if (code.kind === "name") {
      const known = this.#text.get(code);
      return known === undefined ? this.#name(code) : typeof known === "string" ? known : this.#render(known);
    }
    return code.parts.map((part) => (typeof part === "string" ? part : this.#operand(part))).join("");
  }

  #operand({ code, least }: Operand): string {
    const text = this.#render(code);
    const level = this.#level(code);
    return level < least ? `(${text})` : text;
  }

  #level(code: Code): number {
    if (code.kind === "text") return code.level;
    const known = this.#text.get(code);
    return known === undefined || typeof known === "string" ? LEVEL.atom : known.level;
  }
}
