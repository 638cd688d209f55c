export { OperationConfigMaps } from './operation-store.ts';
export { OperationSecret } from './promise-store.ts';
export { RunObjects } from './runs.ts';
