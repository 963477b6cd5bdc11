/** @file The contexts that a page draws with, so that a test can take them away. */

/** Notes every WebGL2 context that is made from now on. @returns what loses them all */
export function losable(): () => void {
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
  return () => {
    for (const context of contexts) context.getExtension("WEBGL_lose_context")?.loseContext();
  };
}
