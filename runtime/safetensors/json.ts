/** @file What `JSON.parse` does not tell. */

/**
 * The first key that stands twice in one record of a JSON text, at any depth; `JSON.parse` keeps the last and says nothing.
 * @param text JSON that has been parsed without a fault
 */
export function repeatedKey(text: string): string | undefined {
  /** The keys seen in each record that is open; `undefined` for an open list. */
  const open: (Set<string> | undefined)[] = [];
  // In valid JSON a text is a key where a colon follows it.
  for (const [token, literal] of text.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")(?:\s*:)?|[[\]{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (literal !== undefined && token.endsWith(":")) {
      const key = JSON.parse(literal) as string;
      const keys = open.at(-1);
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
