export { PushKeys } from './keys.ts';
export type { PushMetrics } from './metrics.ts';
export { PushOutbox } from './outbox.ts';
export { PushReconciler } from './reconciler.ts';
export { PushStates } from './states.ts';
