export { ScheduleReconciler, type ScheduledOutcome } from './reconciler.ts';
export { isOf, ownerOf } from './runs.ts';
export { scheduleStanding } from './standing.ts';
