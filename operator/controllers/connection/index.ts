export { ReadingComparison, type ReadingComparisonOptions } from './comparison.ts';
export type { Verdict } from './conditions.ts';
export { ConnectionReconciler } from './reconciler.ts';
export {
  ConnectionRegistry,
  usable,
  usableForCleanup,
  type ConnectionState,
  type DiscoveryFindings,
  type Link,
  type Terms,
  type UsableConnection,
} from './registry.ts';
export { notAllowed } from './sentences.ts';
export { scheduleCondition, type PushStanding, type ScheduleStanding } from './status.ts';
