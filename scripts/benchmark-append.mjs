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

const LENGTHS = [1024, 65_536];

async function filled(window, length) {
  const cache = await createCache({ heads, channels, window, layers: [{ keys: { couple, bits, book }, values: { couple, bits, book } }] }, device);
  // Chunks repeat: what they hold has no part in the cost.
  while (cache.length() < length) {
    const chunk = some(Math.min(1024, length - cache.length()));
    await cache.append(0, chunk, chunk);
  }
  return cache;
}

for (const window of [0, 32]) {
  const caches = await Promise.all(LENGTHS.map((length) => filled(window, length)));
  const times = LENGTHS.map(() => []);
  const made = LENGTHS.map(() => 0);
  // In turns, so that whatever else the machine does falls on both; the first rounds warm up.
  for (let round = 0; round < 150; round++) {
    for (const [at, cache] of caches.entries()) {
      const { total } = cache.memory();
      const began = performance.now();
      await cache.append(0, one, one);
      await device.gpuDevice.queue.onSubmittedWorkDone();
      if (cache.memory().total !== total) made[at]++;
      else if (round >= 30) times[at].push(performance.now() - began);
    }
  }
  LENGTHS.forEach((length, at) => console.log(`window ${window}, ${length} tokens: ${median(times[at]).toFixed(2)} ms an append, median of ${times[at].length}; ${made[at]} made room`));
  console.log(`window ${window}: ratio ${(median(times[1]) / median(times[0])).toFixed(2)}`);
  for (const cache of caches) await cache.close();
}
await device.close();
