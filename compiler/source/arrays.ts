/** @file Methods of arrays whose length is known. Those that change an array in place are refused. */

import { choose, condition } from "./choose";
import { describe, known, list, native, UNDEFINED, type Machine, type Meaning, type Native } from "./meaning";
import { binary, joined } from "./operators";
import type { ts } from "./typescript";

/** The longest array that a program may make. */
export const LONGEST_ARRAY = 65536;

type Method = (machine: Machine, items: readonly Meaning[], args: readonly Meaning[], site: ts.Node) => Meaning;

/** A method that changes its array, and what says the same without. */
const CHANGING: Readonly<Record<string, string>> = {
  push: "[...list, item]", pop: "list.slice(0, -1)", shift: "list.slice(1)", unshift: "[item, ...list]", splice: "[...list.slice(0, i), ...list.slice(i + 1)]",
  sort: "list.toSorted(…)", reverse: "list.toReversed()", fill: "list.map(() => value)", copyWithin: "list.map(…)", forEach: "list.map(…)",
};

const each = (machine: Machine, args: readonly Meaning[], site: ts.Node): ((item: Meaning, at: number, all: readonly Meaning[]) => Meaning) => {
  const f = args[0] ?? UNDEFINED;
  return (item, at, all) => machine.call(f, [item, known(at), list(all)], site);
};

/** What a predicate says, which must be known. */
const holds = (machine: Machine, meaning: Meaning, site: ts.Node): boolean => {
  const test = condition(machine, meaning, site);
  if (typeof test === "boolean") return test;
  return machine.refuse(site, {
    code: "KV1117",
    message: "which items an array has must be known while compiling, and this condition depends on data",
    expected: "a condition that is known",
    mend: "Keep all items and choose between values: `list.map((item) => (condition ? value : 0))`.",
  });
};

const integer = (machine: Machine, meaning: Meaning | undefined, otherwise: number, site: ts.Node): number => {
  if (meaning === undefined || (meaning.kind === "static" && meaning.value === undefined)) return otherwise;
  if (meaning.kind === "static" && typeof meaning.value === "number") return meaning.value;
  return machine.refuse(site, { code: "KV1117", message: "a place in an array must be known while compiling", expected: "a number that is known", got: describe(meaning) });
};

/** `===` on meanings that are known; axes are equal by name. */
const same = (machine: Machine, a: Meaning, b: Meaning, site: ts.Node): boolean => holds(machine, binary(machine, "===", a, b, site), site);

const find = (machine: Machine, items: readonly Meaning[], args: readonly Meaning[], site: ts.Node): number => {
  const test = each(machine, args, site);
  return items.findIndex((item, at) => holds(machine, test(item, at, items), site));
};

const findLast = (machine: Machine, items: readonly Meaning[], args: readonly Meaning[], site: ts.Node): number => {
  const test = each(machine, args, site);
  for (let at = items.length - 1; at >= 0; at--) if (holds(machine, test(items[at] ?? UNDEFINED, at, items), site)) return at;
  return -1;
};

/** Whether a condition holds for some item, or for all: an `or` or an `and` where it depends on data. */
const quantify = (machine: Machine, items: readonly Meaning[], args: readonly Meaning[], site: ts.Node, all: boolean, at = 0): Meaning => {
  const item = items[at];
  if (item === undefined) return known(all);
  const rest = (): Meaning => quantify(machine, items, args, site, all, at + 1);
  const test = condition(machine, each(machine, args, site)(item, at, items), site);
  return choose(machine, test, all ? rest : () => known(true), all ? () => known(false) : rest, site);
};

const flat = (items: readonly Meaning[], depth: number): readonly Meaning[] =>
  items.flatMap((item) => (item.kind === "list" && depth >= 1 ? flat(item.items, depth - 1) : [item]));

const fold = (machine: Machine, items: readonly Meaning[], args: readonly Meaning[], site: ts.Node, backwards: boolean): Meaning => {
  const order = items.map((item, at) => [item, at] as const);
  if (backwards) order.reverse();
  const f = args[0] ?? UNDEFINED;
  let rest = order;
  let total = args[1];
  if (args.length < 2) {
    total = order[0]?.[0] ?? machine.refuse(site, { code: "KV1121", message: "an empty array is reduced without an initial value", expected: "an initial value", mend: "Give one: `list.reduce(f, 0)`." });
    rest = order.slice(1);
  }
  return rest.reduce<Meaning>((before, [item, at]) => machine.call(f, [before, item, known(at), list(items)], site), total ?? UNDEFINED);
};

const METHODS: Readonly<Record<string, Method>> = {
  at: (machine, items, [at], site) => items.at(integer(machine, at, 0, site)) ?? UNDEFINED,
  concat: (_, items, args) => list([...items, ...flat(args, 1)]),
  entries: (_, items) => list(items.map((item, at) => list([known(at), item]))),
  every: (machine, items, args, site) => quantify(machine, items, args, site, true),
  filter: (machine, items, args, site) => {
    const test = each(machine, args, site);
    return list(items.filter((item, at) => holds(machine, test(item, at, items), site)));
  },
  find: (machine, items, args, site) => items[find(machine, items, args, site)] ?? UNDEFINED,
  findIndex: (machine, items, args, site) => known(find(machine, items, args, site)),
  findLast: (machine, items, args, site) => items[findLast(machine, items, args, site)] ?? UNDEFINED,
  findLastIndex: (machine, items, args, site) => known(findLast(machine, items, args, site)),
  flat: (machine, items, [depth], site) => list(flat(items, integer(machine, depth, 1, site))),
  flatMap: (machine, items, args, site) => {
    const f = each(machine, args, site);
    return list(flat(items.map((item, at) => f(item, at, items)), 1));
  },
  includes: (machine, items, [item = UNDEFINED], site) => known(items.some((other) => same(machine, other, item, site))),
  indexOf: (machine, items, [item = UNDEFINED], site) => known(items.findIndex((other) => same(machine, other, item, site))),
  join: (machine, items, [separator], site) => {
    const texts = items.map((item) => (item.kind === "static" ? String(item.value ?? "") : machine.refuse(site, { code: "KV1117", message: "a text is made of something that is not known while compiling", expected: "strings and numbers that are known", got: describe(item) })));
    return joined(machine, texts, separator?.kind === "static" && separator.value !== undefined ? String(separator.value) : ",", site);
  },
  keys: (_, items) => list(items.map((_item, at) => known(at))),
  lastIndexOf: (machine, items, [item = UNDEFINED], site) => known(items.length - 1 - [...items].reverse().findIndex((other) => same(machine, other, item, site))),
  map: (machine, items, args, site) => {
    const f = each(machine, args, site);
    return list(items.map((item, at) => f(item, at, items)));
  },
  reduce: (machine, items, args, site) => fold(machine, items, args, site, false),
  reduceRight: (machine, items, args, site) => fold(machine, items, args, site, true),
  slice: (machine, items, [start, end], site) => list(items.slice(integer(machine, start, 0, site), integer(machine, end, items.length, site))),
  some: (machine, items, args, site) => quantify(machine, items, args, site, false),
  toReversed: (_, items) => list([...items].reverse()),
  toSorted: (machine, items, [compare], site) =>
    list([...items].sort((a, b) => {
      if (compare === undefined) return a.kind === "static" && b.kind === "static" ? Number(String(a.value) > String(b.value)) - Number(String(a.value) < String(b.value)) : 0;
      return integer(machine, machine.call(compare, [a, b], site), 0, site);
    })),
  values: (_, items) => list(items),
  with: (machine, items, [at, value = UNDEFINED], site) => {
    const place = integer(machine, at, 0, site);
    const from = place < 0 ? place + items.length : place;
    if (!(from in items)) return machine.refuse(site, { code: "KV1121", message: "an item is replaced outside its array", expected: `a place from 0 to ${items.length - 1}`, got: String(place) });
    return list(items.map((item, here) => (here === from ? value : item)));
  },
};

/** `list.name`, as a function. */
export function arrayMethod(machine: Machine, items: readonly Meaning[], name: string, site: ts.Node): Native {
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (method !== undefined) {
    return native(name, (inner, args, at) => {
      const made = method(inner, items, args, at);
      if (made.kind === "list") checkLength(inner, made.items.length, at);
      return made;
    });
  }
  const instead = Object.hasOwn(CHANGING, name) ? CHANGING[name] : undefined;
  if (instead !== undefined) {
    return machine.refuse(site, { code: "KV1103", message: `\`${name}\` ${name === "forEach" ? "is of use only to change something" : "changes its array"}, and the language changes nothing`, expected: "a new array", mend: `Write \`${instead}\`.` });
  }
  return machine.refuse(site, { code: "KV1119", message: `the language has no \`${name}\` of an array`, expected: Object.keys(METHODS).join(", ") });
}

export function checkLength(machine: Machine, length: number, site: ts.Node): void {
  if (length <= LONGEST_ARRAY) return;
  machine.refuse(site, { code: "KV1123", message: "an array grows beyond bounds", expected: `at most ${LONGEST_ARRAY} items that are known while compiling`, got: String(length), mend: "What runs along an axis is an axis: `axis(name, size)` and a reduction." });
}
