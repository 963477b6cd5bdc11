import type { Entry } from "./entry";

/** KV61nn: caches that stay on a device. */
export const CACHES = {
  KV6101: {
    title: "a specification that no cache can have",
    example: "createCache({ heads: 2, channels: 64, layers: [{ keys: { couple: 5, bits: 8, book }, values }] }, device)",
    mend: "createCache({ heads: 2, channels: 64, layers: [{ keys: { couple: 8, bits: 8, book }, values }] }, device)",
  },
  KV6102: {
    title: "tokens that do not fit a cache",
    example: "cache.append(0, tensor([1, 2, 32], k), tensor([1, 2, 64], v)) // of 64 channels",
    mend: "cache.append(0, tensor([1, 2, 64], k), tensor([1, 2, 64], v))",
  },
  KV6103: {
    title: "a layer, a sequence or tokens that a cache does not have",
    example: "cache.truncate(100) // of 60 tokens",
    mend: "cache.truncate(60)",
  },
  KV6104: {
    title: "a saved cache that is damaged, or of another version",
    example: "loadCache(file, device) // after a byte of the file has changed",
    mend: "save the cache again, or compute it again",
  },
  KV6105: {
    title: "a cache that has been closed",
    example: "await cache.close(); await cache.append(0, keys, values)",
    mend: "await cache.append(0, keys, values); await cache.close()",
  },
} as const satisfies Record<string, Entry>;
