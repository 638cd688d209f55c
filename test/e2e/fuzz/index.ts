export type { Known } from './bodies.ts';
export { fuzzRequest, type FuzzRequest } from './requests.ts';
export { sendBytes } from './send.ts';
