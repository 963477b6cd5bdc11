/**
 * @file What the test of a campaign loads into a page: the first seed is tried as it is; at the second a page that has tried
 * another loses what it draws with; of the third every output is wrong in its last element.
 */

import { searching } from "../../scripts/campaign/searching";
import type { Prepare } from "../../bin/fuzz/fuzz";

const contexts: WebGL2RenderingContext[] = [];
for (const { prototype } of [OffscreenCanvas, HTMLCanvasElement]) {
  const getContext = Reflect.get(prototype, "getContext") as (this: unknown, ...args: unknown[]) => unknown;
  Object.assign(prototype, {
    getContext(this: unknown, ...args: unknown[]): unknown {
      const context = getContext.apply(this, args);
      if (context instanceof WebGL2RenderingContext) contexts.push(context);
      return context;
    },
  });
}

const losing = (prepare: Prepare): Prepare => (file, graph) => {
  for (const context of contexts) context.getExtension("WEBGL_lose_context")?.loseContext();
  return prepare(file, graph);
};

const wrong = (prepare: Prepare): Prepare => async (file, graph) => {
  const prepared = await prepare(file, graph);
  return {
    ...prepared,
    run: async (inputs, set) => (await prepared.run(inputs, set)).map((ran) => ({
      ...ran,
      outputs: Object.fromEntries(Object.entries(ran.outputs).map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, (value, at) => (at === data.length - 1 ? value - 12345 : value)) }])),
    })),
  };
};

let before = 0;

Object.assign(globalThis, {
  report: searching((prepare, seed) => (seed === 2 && before++ > 0 ? losing(prepare) : seed === 3 ? wrong(prepare) : (before++, prepare))),
});
