/** @file The one place where TypeScript comes from: the version that ts-morph carries, whichever the user has installed. */

export { Project, ts } from "ts-morph";
