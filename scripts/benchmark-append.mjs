/**
 * What appending a token costs, by how many there are: `node scripts/build.mjs && node scripts/benchmark-append.mjs`. Prints
 * the median time of an append at 1,024 and at 65,536 tokens, and their ratio; appends that make room are counted apart.
 */
const { createCache, openDevice, tensor } = await import(new URL("../dist/runtime.js", import.meta.url).href);

const [heads, channels, couple, bits] = [2, 64, 8, 4];
const device = await openDevice({ backend: "wgsl" });
console.log(device.describe());
const book = tensor([heads, channels / couple, 2 ** bits, couple], Float32Array.from({ length: heads * channels * 2 ** bits }, (_, at) => ((at * 2_654_435_761) % 4096) / 1024 - 2));
const some = (count) => tensor([count, heads, channels], Float32Array.from({ length: count * heads * channels }, (_, at) => ((at * 40_503) % 4096) / 1024 - 2));
const one = some(1);
const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1];

for (const window of [0, 32]) {
  const cache = await createCache({ heads, channels, window, layers: [{ keys: { couple, bits, book }, values: { couple, bits, book } }] }, device);
  const measured = [];
  for (const length of [1024, 65_536]) {
    // Chunks repeat: what they hold has no part in the cost.
    while (cache.length() < length) {
      const chunk = some(Math.min(1024, length - cache.length()));
      await cache.append(0, chunk, chunk);
    }
    const times = [];
    let made = 0;
    for (let at = 0; at < 60; at++) {
      const { total } = cache.memory();
      const began = performance.now();
      await cache.append(0, one, one);
      await device.gpuDevice.queue.onSubmittedWorkDone();
      if (cache.memory().total === total) times.push(performance.now() - began);
      else made++;
    }
    measured.push(median(times));
    console.log(`window ${window}, ${length} tokens: ${median(times).toFixed(2)} ms an append, median of ${times.length}; ${made} made room`);
  }
  console.log(`window ${window}: ratio ${(measured[1] / measured[0]).toFixed(2)}`);
  await cache.close();
}
await device.close();
