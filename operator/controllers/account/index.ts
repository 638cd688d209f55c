export { connectionKey, userKey } from './declared.ts';
export { AccountReconciler } from './reconciler.ts';
