import type { Entry } from "./entry";

export const FILES = {
} as const satisfies Record<string, Entry>;
