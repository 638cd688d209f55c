export { applyPatch, type PatchedResource, type PatchOptions } from './apply.ts';
