import type { Entry } from "./entry";

/** KV40nn: devices, and what is asked of them. */
export const DEVICE = {
  KV4001: {
    title: "no device could be opened",
    example: 'openDevice({ backend: "wgsl" }) // on a machine with neither a GPU driver nor a software one',
    mend: "install a Vulkan, Metal or D3D12 driver; or npm install --save-dev @sparticuz/chromium@147; or openDevice({ backend: \"interpreter\" })",
  },
  KV4002: {
    title: "a backend that does not exist",
    example: 'openDevice({ backend: "cuda" })',
    mend: 'openDevice({ backend: "auto" })',
  },
  KV4003: {
    title: "an option that the backend does not have",
    example: 'openDevice({ backend: "wgsl", mode: "cpu" })',
    mend: 'openDevice({ backend: "wgsl" })',
  },
  KV4004: {
    title: "a device that was lost",
    example: "a driver reset while `attend` runs, or a dispatch that takes too long",
    mend: "open the device again, prepare again, and give the inputs again",
  },
  KV4005: {
    title: "a device that has been closed",
    example: "device.close(); await attend.run(inputs)",
    mend: "await attend.run(inputs); device.close()",
  },
  KV4006: {
    title: "not enough device memory",
    example: "a cache of 200 GB on a device with 8 GB",
    mend: "give smaller inputs, or destroy tensors that are kept on the device",
  },
  KV4007: {
    title: "a tensor that is larger than the device's storage bindings",
    example: "an f32 input of 2^30 elements where maxStorageBufferBindingSize is 128 MiB",
    mend: "split the tensor along an axis, or store it in fewer bits",
  },
  KV4008: {
    title: "a tensor on a device that cannot be used here",
    example: "codes.destroy(); await attend.run({ q, codes })",
    mend: "await attend.run({ q, codes }); codes.destroy()",
  },
  KV4009: {
    title: "an output to keep that the kernel does not have",
    example: 'attend.run(inputs, { keep: ["output"] })',
    mend: 'attend.run(inputs, { keep: ["out"] })',
  },
  KV4010: {
    title: "rows of a tensor that cannot be had",
    example: "codes.rows(60, 8) // of 64 rows; or a first row that no binding of a GPU can begin at",
    mend: "codes.rows(0, 60); or device.copy() the rows to a tensor of their own",
  },
  KV4101: {
    title: "an expression that reads more tensors than the device binds at a time",
    example: "x(a(i), b(i), c(i), d(i), e(i), f(i), g(i), h(i)) // nine tensors, where 8 are bound",
    mend: 'x(…) with indices that come out of fewer tensors; or openDevice({ backend: "interpreter" })',
  },
  KV4102: {
    title: "sizes too large for positions on a device",
    example: "an output over [head, token, channel] of 2^32 elements",
    mend: "compute a part of the axis at a time: at most 2^31 - 1 elements in a tensor, and bits in a packed row",
  },
  KV4103: {
    title: "an input and an output of the same name",
    example: "kernel({ out: f32(n) }, f32(n), …) // a single output is called `out`",
    mend: "kernel({ x: f32(n) }, f32(n), …)",
  },
  KV4201: {
    title: "an integer that gpu.js does not compute exactly",
    example: "sum(n, (i) => id(i) * 1000000) // on the backend `gpujs`, where every number is an f32",
    mend: 'openDevice({ backend: "wgsl" }), or integers below 2^24',
  },
  KV4202: {
    title: "an input with integers that gpu.js does not hold exactly",
    example: "ids: tensor([1], [2 ** 30]) // on the backend `gpujs`",
    mend: 'openDevice({ backend: "wgsl" }), or integers from -2^24 to 2^24',
  },
  KV4203: {
    title: "a tensor with more elements than gpu.js can number",
    example: "f32 of [8192, 4096] on the backend `gpujs`",
    mend: "at most 2^24 elements in a tensor; codes of b bits count as one for every 24 / b of them",
  },
  KV4204: {
    title: "a mode of gpu.js that does not work here",
    example: 'openDevice({ backend: "gpujs", mode: "webgpu" }) // on a machine without a WebGPU adapter',
    mend: 'openDevice({ backend: "gpujs", mode: "webasm" }), or openDevice({ backend: "interpreter" })',
  },
  KV4205: {
    title: "a kernel that gpu.js ran in another mode than the one asked for",
    example: "a mode that fails for one kernel, for which gpu.js then silently takes `cpu`",
    mend: 'openDevice({ backend: "gpujs", mode: "cpu" }), or { fallback: true }',
  },
  KV4206: {
    title: "a device less accurate than bounds assume",
    example: 'openDevice({ backend: "gpujs", mode: "webgl2" }) // with a driver whose `exp` has 16 bits',
    mend: 'openDevice({ backend: "gpujs", mode: "webasm" })',
  },
} as const satisfies Record<string, Entry>;
