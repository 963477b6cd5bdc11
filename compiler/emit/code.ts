/**
 * @file Pieces of WGSL: expressions that know how tightly they bind, names for what is worth one, and blocks of lines.
 * Everything is named at first; when a block is printed, a name that nothing uses disappears, and one that is used once
 * in the same block is replaced by its expression where the line stays short.
 */

/** How tightly an expression binds. Shifts, bitwise and logical operators take only atoms and comparisons beside them, so they count as loosest. */
export const LEVEL = { loose: 0, compare: 1, sum: 2, product: 3, unary: 4, atom: 5 } as const;
export type Level = (typeof LEVEL)[keyof typeof LEVEL];

export type WgslType = "i32" | "u32" | "f32" | "bool" | "vec2f";

export type Code = Text | Name;

export interface Operand {
  readonly code: Code;
  /** The loosest level that needs no brackets here. */
  readonly least: Level;
}

export interface Text {
  readonly kind: "text";
  readonly level: Level;
  readonly parts: readonly (string | Operand)[];
}

/** A value with a name of its own, declared in a block. */
export interface Name {
  readonly kind: "name";
  readonly block: Block;
  readonly hint: string;
  /** Absent for a variable and a loop's counter, which are declared elsewhere and may change. */
  readonly value: Code | undefined;
}

export type Line =
  | { readonly kind: "let"; readonly name: Name }
  | { readonly kind: "var"; readonly name: Name; readonly initial: Code }
  | { readonly kind: "effect"; readonly text: Text }
  /** A head that `repeats` is evaluated before every turn. Without a head the lines stand among the others: names are unique in a module. */
  | { readonly kind: "nest"; readonly head: Text | undefined; readonly repeats: boolean; readonly block: Block; readonly otherwise: Block | undefined };

/** Lines in braces, and what encloses them. */
export class Block {
  readonly parent: Block | undefined;
  readonly lines: Line[] = [];

  constructor(parent: Block | undefined) {
    this.parent = parent;
  }
}

export const atom = (text: string): Text => ({ kind: "text", level: LEVEL.atom, parts: [text] });

/** `f(a, b)`. */
export function call(name: string, ...args: readonly Code[]): Text {
  const parts: (string | Operand)[] = [`${name}(`];
  args.forEach((code, at) => {
    if (at > 0) parts.push(", ");
    parts.push({ code, least: LEVEL.loose });
  });
  return { kind: "text", level: LEVEL.atom, parts: [...parts, ")"] };
}

/** `a + b`, with what each side must at least be. */
export function infix(level: Level, operator: string, left: Code, right: Code, least: readonly [Level, Level]): Text {
  return { kind: "text", level, parts: [{ code: left, least: least[0] }, ` ${operator} `, { code: right, least: least[1] }] };
}

export const add = (left: Code, right: Code): Text => infix(LEVEL.sum, "+", left, right, [LEVEL.sum, LEVEL.product]);
export const subtract = (left: Code, right: Code): Text => infix(LEVEL.sum, "-", left, right, [LEVEL.sum, LEVEL.product]);
export const multiply = (left: Code, right: Code): Text => infix(LEVEL.product, "*", left, right, [LEVEL.product, LEVEL.unary]);
export const divide = (left: Code, right: Code): Text => infix(LEVEL.product, "/", left, right, [LEVEL.product, LEVEL.unary]);
export const modulo = (left: Code, right: Code): Text => infix(LEVEL.product, "%", left, right, [LEVEL.product, LEVEL.unary]);
export const compare = (operator: "<" | "<=" | "==" | ">" | ">=" | "!=", left: Code, right: Code): Text => infix(LEVEL.compare, operator, left, right, [LEVEL.sum, LEVEL.sum]);
/** Shifts and bitwise operators: both sides atoms, whatever the language would allow. */
export const bits = (operator: "&" | "|" | "^" | "<<" | ">>", left: Code, right: Code): Text => infix(LEVEL.loose, operator, left, right, [LEVEL.atom, LEVEL.atom]);
export const negate = (code: Code): Text => ({ kind: "text", level: LEVEL.unary, parts: ["-", { code, least: LEVEL.atom }] });
export const not = (code: Code): Text => ({ kind: "text", level: LEVEL.unary, parts: ["!", { code, least: LEVEL.atom }] });

/** `a && b && c`; of one, itself. */
export function junction(operator: "&&" | "||", all: readonly Code[]): Code {
  const [first, ...rest] = all;
  if (first === undefined) return atom(operator === "&&" ? "true" : "false");
  if (rest.length === 0) return first;
  const parts: (string | Operand)[] = [{ code: first, least: LEVEL.compare }];
  for (const code of rest) parts.push(` ${operator} `, { code, least: LEVEL.compare });
  return { kind: "text", level: LEVEL.loose, parts };
}

/**
 * `(a) | (b) | (c)`, or `&`; of one, itself. For tests that cost no more than a branch would: compilers turn a long `||` or
 * `&&` into branches inside each other, and some take minutes over it.
 */
export function branchless(operator: "&&" | "||", all: readonly Code[]): Code {
  const [first, ...rest] = all;
  if (first === undefined) return atom(operator === "&&" ? "true" : "false");
  const bitwise = operator === "&&" ? "&" : "|";
  return rest.reduce<Code>((left, right) => infix(LEVEL.loose, bitwise, left, right, [left === first ? LEVEL.atom : LEVEL.loose, LEVEL.atom]), first);
}

export const anyOf = (all: readonly Code[]): Code => branchless("||", all);

/** `select(no, yes, condition)`. */
export const select = (condition: Code, yes: Code, no: Code): Text => call("select", no, yes, condition);

/** `a.x` or `a[i]`. */
export const member = (code: Code, suffix: string): Text => ({ kind: "text", level: LEVEL.atom, parts: [{ code, least: LEVEL.atom }, suffix] });
export const element = (array: string, at: Code): Text => ({ kind: "text", level: LEVEL.atom, parts: [`${array}[`, { code: at, least: LEVEL.loose }, "]"] });

/** A statement: `left = right;` and the like. */
export function statement(...parts: readonly (string | Code)[]): Text {
  return { kind: "text", level: LEVEL.loose, parts: parts.map((part) => (typeof part === "string" ? part : { code: part, least: LEVEL.loose })) };
}

/** A literal of an i32 expression. */
export function integerLiteral(value: number): Text {
  if (value === -(2 ** 31)) return atom("i32(-2147483648)");
  return value < 0 ? { kind: "text", level: LEVEL.unary, parts: [String(value)] } : atom(String(value));
}

/** A literal of an f32 expression: the f32 nearest to `value`, in the fewest digits that say which; an infinity as its sentinel. */
export function realLiteral(value: number): Text {
  if (Math.abs(value) >= 3.4028234e38) return value > 0 ? atom("0x1.fffffep+127f") : { kind: "text", level: LEVEL.unary, parts: ["-0x1.fffffep+127f"] };
  const text = shortest(Math.fround(value));
  const literal = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 ? { kind: "text", level: LEVEL.unary, parts: [literal] } : atom(literal);
}

function shortest(rounded: number): string {
  for (let digits = 1; digits < 10; digits++) {
    const text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) return String(Number(text));
  }
  return String(rounded);
}
