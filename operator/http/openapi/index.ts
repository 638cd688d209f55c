export { openApiMount } from './mount.ts';
