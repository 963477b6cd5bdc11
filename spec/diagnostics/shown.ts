/** @file Values from outside as messages show them: short whatever they are, and shown without running anything of theirs. */

/** How many characters of a text, how many parts of a list or record, and how deep in it. */
const CHARACTERS = 80;
const PARTS = 8;
const DEPTH = 3;

/**
 * A value as JSON would have it, cut where it is long or deep: `{"type":"linear","factor":2}`, `[1,2,…]`. What JSON has no
 * word for is named: nothing, a function.
 */
export function shown(value: unknown, depth = DEPTH): string {
  switch (typeof value) {
    case "undefined": return "nothing";
    case "function": return "a function";
    case "string": return value.length > CHARACTERS ? `${JSON.stringify(value.slice(0, CHARACTERS))}…` : JSON.stringify(value);
    case "object": return value === null ? "null" : parts(value, depth);
    default: return String(value);
  }
}

function parts(value: object, depth: number): string {
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  if (depth === 0) return `${open}…${close}`;
  const items: readonly unknown[] = isList ? Array.prototype.slice.call(value, 0, PARTS + 1) : Object.entries(value).slice(0, PARTS + 1);
  const texts = items.slice(0, PARTS).map((item) => (isList ? shown(item, depth - 1) : named(item as [string, unknown], depth - 1)));
  return `${open}${[...texts, ...(items.length > PARTS ? ["…"] : [])].join(",")}${close}`;
}

const named = ([key, value]: readonly [string, unknown], depth: number): string => `${shown(key)}:${shown(value, depth)}`;
