export { scimMounts, type ScimOptions } from './mount.ts';
