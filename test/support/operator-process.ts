/**
 * Flags of Node for the operator's process, as the image starts it: a small young generation keeps
 * its memory near what it holds (docs/benchmarks.md has the figures).
 */
export const operatorNodeFlags: readonly string[] = ['--max-semi-space-size=8'];
