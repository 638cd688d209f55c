export { startHealthServer } from './health.ts';
