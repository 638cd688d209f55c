import type { BuildOptions } from 'esbuild';

/** How a program for Node is bundled into one file. */
export const nodeBundle = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  logLevel: 'warning',
  // Dependencies that are CommonJS call require, which an ES module has not.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;
