import type { Entry } from "./entry";

export const DEVICE = {
} as const satisfies Record<string, Entry>;
