export { connectionKey, isEnabled, userKey } from './declared.ts';
export { AccountReconciler } from './reconciler.ts';
export { standingOf, type Standing } from './standing.ts';
