/** What is counted of notifications; closed sets. */
export interface PushMetrics {
  requested(outcome: 'taken' | 'gone' | 'refused' | 'unavailable', seconds: number): void;
  /** @param seconds since the run was complete */
  delivered(changes: number, seconds: number): void;
}
