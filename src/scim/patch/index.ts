export { applyPatch, type PatchedResource, type PatchOptions } from './apply.ts';
export type { Asked, Mention } from './draft.ts';
