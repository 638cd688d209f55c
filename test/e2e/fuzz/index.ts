export type { Known } from './bodies.ts';
export { fuzzRequest, type FuzzRequest } from './requests.ts';
export { sendRequest } from './send.ts';
