export type { Leniency } from './leniency.ts';
export { ministackLeniencies } from './ministack.ts';
export { motoLeniencies } from './moto.ts';
