export { DiscoveryReconciler } from './reconciler.ts';
