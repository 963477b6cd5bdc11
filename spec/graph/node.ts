/**
 * @file The nodes of a graph. A graph is a set of *stores* `out[indices] = value`; a value is a pure scalar expression
 * over named axes. A doc comment here is the meaning of its node on reals; `spec/language.md` adds what f32 makes of it.
 *
 *     value  ::= constant | truth | extent | index | load | linear | product | quotient | remainder | apply | bitwise
 *              | larger | smaller | select | less | atMost | equal | not | and | or | reduce | table | slot
 *     store  ::= output[value, …] = value
 *
 * Binders are locally nameless with canonical names. An axis that a reduction binds is called `axis#level`, level 0
 * innermost among binders of the same axis; a body is read only after *opening* it (`open` in `binders.ts`), which
 * renames the bound axis to a free one, `axis@k`. Alpha-equal reductions are therefore one node, and the same score
 * inside `max` and inside `sum` is one opened node. Every reference carries its indices as children: no leaf but an
 * index has free axes. Nodes are hash-consed by one `GraphBuilder`; equal means identical.
 */

/** What is known of a value whatever the inputs. Bounds hold for the finite values it takes. */
export interface Facts {
  readonly low: number;
  readonly high: number;
  readonly mayBeNegativeInfinity: boolean;
  readonly mayBePositiveInfinity: boolean;
  /** Not 0, and not rounded or flushed to 0 in f32 either. */
  readonly nonZero: boolean;
  readonly integer: boolean;
}

interface Common {
  /** Order of creation in its builder: children before parents. */
  readonly id: number;
  readonly facts: Facts;
  /** Names of the indices that occur free, sorted. */
  readonly free: readonly string[];
  /** For every axis bound somewhere below: the highest level in use. */
  readonly levels: Readonly<Record<string, number>>;
  /** How many nodes stand below each other at the most, this one included. */
  readonly depth: number;
}

/**
 * The deepest that a graph of a program may be. Passes call themselves for the parts of a node, several calls for each
 * level, within the smallest call stack that an engine has.
 */
export const DEEPEST = 500;

/** A real number; ±∞ included, NaN excluded. Zeros have no sign. */
export interface Constant extends Common { readonly kind: "constant"; readonly value: number }
/** true or false. */
export interface Truth extends Common { readonly kind: "truth"; readonly value: boolean }
/** The size of an axis that is not fixed: a non-negative integer. */
export interface Extent extends Common { readonly kind: "extent"; readonly axis: string }
/** A position on an axis: an integer from 0 to `extent` − 1. `name` is `axis@k` (free) or `axis#level` (bound). */
export interface Index extends Common { readonly kind: "index"; readonly axis: string; readonly name: string; readonly extent: Value }
/** An element of an input tensor. */
export interface Load extends Common { readonly kind: "load"; readonly tensor: Tensor; readonly indices: readonly Value[] }
/** `constant + Σ coefficient · term`; coefficients finite and not 0, terms distinct, in order of id, none linear or a finite constant. */
export interface Linear extends Common { readonly kind: "linear"; readonly constant: number; readonly terms: readonly (readonly [coefficient: number, term: Value])[] }
/**
 * `Π base ^ exponent`; exponents finite and not 0, in order of id. A base occurs once, or twice with exponents of either
 * sign where it may be 0 or infinite, so that nothing cancels. A fractional exponent only on a base that is never negative.
 */
export interface Product extends Common { readonly kind: "product"; readonly factors: readonly (readonly [base: Value, exponent: number])[] }
/** `⌊left / right⌋` of integers, `right` ≥ 1. Rounds towards −∞. */
export interface Quotient extends Common { readonly kind: "quotient"; readonly left: Value; readonly right: Value }
/** JavaScript's `left % right`: `left − right · trunc(left / right)`, the sign of `left`. */
export interface Remainder extends Common { readonly kind: "remainder"; readonly left: Value; readonly right: Value }
/** A function of `Math`, applied. */
export interface Apply extends Common { readonly kind: "apply"; readonly fn: MathFunction; readonly args: readonly Value[] }
/** A bitwise operator of JavaScript, on integers that fit 32 bits. */
export interface Bitwise extends Common { readonly kind: "bitwise"; readonly op: BitwiseOperator; readonly left: Value; readonly right: Value }
/** The larger of two. */
export interface Larger extends Common { readonly kind: "larger"; readonly left: Value; readonly right: Value }
/** The smaller of two. */
export interface Smaller extends Common { readonly kind: "smaller"; readonly left: Value; readonly right: Value }
/** `condition ? yes : no`; the branch not taken means nothing. Both branches numbers (truths become `and`/`or`). */
export interface Select extends Common { readonly kind: "select"; readonly condition: Value; readonly yes: Value; readonly no: Value }
/** `left < right`. Of integers: `right` is the constant 0, `left` linear with coprime coefficients. */
export interface Less extends Common { readonly kind: "less"; readonly left: Value; readonly right: Value }
/** `left ≤ right`, of numbers not known to be integers (integers become `less`). */
export interface AtMost extends Common { readonly kind: "atMost"; readonly left: Value; readonly right: Value }
/** `left === right` of numbers. */
export interface Equal extends Common { readonly kind: "equal"; readonly left: Value; readonly right: Value }
export interface Not extends Common { readonly kind: "not"; readonly of: Value }
/** All of at least two. */
export interface And extends Common { readonly kind: "and"; readonly of: readonly Value[] }
/** At least one of at least two. */
export interface Or extends Common { readonly kind: "or"; readonly of: readonly Value[] }
/**
 * `op` over the positions of `axis` at which `where` holds. Over none: sum 0, max −∞, min +∞, argmax and argmin 0, any false.
 * The arg-reductions give the first position of the extreme value. `all` is `not any not`.
 */
export interface Reduce extends Common {
  readonly kind: "reduce";
  readonly op: ReduceOperator;
  readonly axis: string;
  /** `axis#level`, the name of the bound index inside `body` and `where`. */
  readonly bound: string;
  readonly extent: Value;
  readonly where: Value;
  readonly body: Value;
}

/**
 * A suspended substitution: `body` with its bound axis at position `at`. Means the same as doing it; says that the body
 * may be computed once for each position and looked up. Only the compiler makes it; a portable graph has none.
 */
export interface Table extends Common {
  readonly kind: "table";
  readonly axis: string;
  readonly bound: string;
  readonly extent: Value;
  readonly body: Value;
  readonly at: Value;
}
/**
 * An element of something the compiler keeps elsewhere: a staged value, a component of a fold's state. What it is worth
 * is its owner's to say. Only the compiler makes it; a portable graph has none.
 */
export interface Slot extends Common { readonly kind: "slot"; readonly name: string; readonly indices: readonly Value[] }

export type Value =
  | Constant | Truth | Extent | Index | Load | Linear | Product | Quotient | Remainder | Apply | Bitwise
  | Larger | Smaller | Select | Less | AtMost | Equal | Not | And | Or | Reduce | Table | Slot;
export type Kind = Value["kind"];

export const REDUCE_OPERATORS = ["sum", "max", "min", "argmax", "argmin", "any"] as const;
export type ReduceOperator = (typeof REDUCE_OPERATORS)[number];

/** Functions of one argument, then of two. `floor`, `ceil`, `round`, `trunc` of an integer do not occur. */
export const UNARY_FUNCTIONS = [
  "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan",
  "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "floor", "ceil", "round", "trunc", "abs", "sign", "fround",
] as const;
export const BINARY_FUNCTIONS = ["pow", "atan2"] as const;
export type MathFunction = (typeof UNARY_FUNCTIONS)[number] | (typeof BINARY_FUNCTIONS)[number];

export const BITWISE_OPERATORS = ["&", "|", "^", "<<", ">>", ">>>"] as const;
export type BitwiseOperator = (typeof BITWISE_OPERATORS)[number];

/** How an element is stored: `uint` is bit-packed, see `spec/formats.md`. */
export type Element =
  | { readonly kind: "f32" | "f16" | "i32" | "u32" }
  | { readonly kind: "uint"; readonly bits: number };

/** A named tensor of the kernel's signature. `axes` names its axes in memory order; an axis may occur twice. */
export interface Tensor {
  readonly name: string;
  readonly element: Element;
  readonly axes: readonly string[];
  /** Which infinities an element may be: only while a graph is lowered, of the inputs that it tests for them. */
  readonly infinities?: { readonly negative: boolean; readonly positive: boolean };
}

/**
 * An axis of the program; without `extent` its size is bound by the inputs or by `set`. With `parts`, axes declared before
 * it, its size is the sum of theirs: a graph has no `extent` node of it, its indices run to a sum of the parts' extents.
 */
export interface AxisDeclaration {
  readonly name: string;
  readonly extent?: number;
  readonly parts?: readonly string[];
}

/** `output[indices] = value` for every value of the free indices, which are the output's own axes, opened at 0, 1, …. */
export interface Store {
  readonly output: Tensor;
  readonly indices: readonly Value[];
  readonly value: Value;
}

/** A condition on sizes that the front end could not decide: it must hold when the sizes are known. */
export interface Obligation {
  /** 0 ≤ index < size of the axis, under the conditions; or: divisor divides dividend. */
  readonly claim:
    | { readonly kind: "inside"; readonly index: Value; readonly axis: string; readonly of: string; readonly under: readonly Value[] }
    | { readonly kind: "divides"; readonly dividend: Value; readonly divisor: Value };
  readonly span: Span | undefined;
}

/** Where in the user's source something was written; columns count from 1, the end is exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A kernel as a graph: what the front end yields and the back half reads. */
export interface Graph {
  readonly name: string;
  readonly axes: readonly AxisDeclaration[];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly stores: readonly Store[];
  readonly obligations: readonly Obligation[];
  /** Where a node was first written. */
  readonly spans: ReadonlyMap<Value, Span>;
}
