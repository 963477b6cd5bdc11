/**
 * @file Axes and the indices that run along them. An axis is known by its name: two `axis("token")` are one axis. The
 * name is part of the type of every index, so that an index of another axis is a type error; a plain number is an
 * index of any axis, and is checked where it is used.
 */

import { refuse } from "../diagnostics/diagnostic";
import { isAxisName, isSize, LARGEST_SIZE } from "../tensor";

declare const axisOfIndex: unique symbol;

/** A position on the axis `Name`, from 0 to its size − 1. Arithmetic on an index gives a plain number. */
export type Index<Name extends string> = number & { readonly [axisOfIndex]?: Name | undefined };

/** A named axis. */
export interface Axis<Name extends string = string> {
  readonly kind: "axis";
  readonly name: Name;
  /** Its size, if that is part of the program; otherwise the inputs or `set` bind it. */
  readonly extent: number | undefined;
  /** The axes that it goes through one after another, if it was made by `joined`: its size is the sum of theirs. */
  readonly parts?: readonly Axis[];
}

/**
 * The axis called `name`; with `extent` its size is fixed.
 * @throws KvernError KV2104 for a name that is empty, holds white space, control characters or one of `# @ = ,`, or is a property of every object; KV2105 for an `extent`
 * that is not an integer from 0 to 2³¹ − 1.
 */
export const axis = <const Name extends string>(name: Name, extent?: number): Axis<Name> => {
  if (!isAxisName(name)) {
    refuse({
      code: "KV2104",
      message: `an axis cannot be called ${JSON.stringify(name)}`,
      expected: "a name without white space, control characters and # @ = , that is no property of every object, such as `constructor`",
    });
  }
  if (extent !== undefined && !isSize(extent)) {
    refuse({ code: "KV2105", message: `the axis \`${name}\` cannot have that size`, expected: `a whole number from 0 to ${LARGEST_SIZE}`, got: String(extent) });
  }
  return { kind: "axis", name, extent };
};

/**
 * The axis called `name` that goes through the positions of `parts`, one part after another. Its size is the sum of
 * theirs, whatever they are when the kernel runs: no input needs to have it.
 * @throws KvernError KV2104 for a name that no axis can have; KV2105 for a sum of sizes that no axis can have; KV2107 for an
 * axis without parts, or one that is part of itself.
 */
export const joined = <const Name extends string>(name: Name, ...parts: readonly Axis[]): Axis<Name> => {
  if (parts.length === 0 || parts.some((part) => goesThrough(part, name))) {
    refuse({
      code: "KV2107",
      message: `the axis \`${name}\` cannot be joined of these`,
      expected: `axes other than \`${name}\``,
      got: parts.length === 0 ? "none" : parts.map((part) => `\`${part.name}\``).join(", "),
      mend: `Give the whole a name of its own: joined("token", axis("old"), axis("new")).`,
    });
  }
  const sizes = parts.map(({ extent }) => extent);
  const { extent } = axis(name, sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined);
  return { kind: "axis", name, extent, parts };
};

const goesThrough = (part: Axis, name: string): boolean => part.name === name || (part.parts ?? []).some((inner) => goesThrough(inner, name));
