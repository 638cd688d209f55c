export { Account, keyOf, type Views } from './account.ts';
export type * from './entities.ts';
export { createRandom, type Random } from './random.ts';
export { lowerBound } from './table.ts';
