/** What is counted of runs; closed sets. */
export interface RunMetrics {
  /** @param seconds undefined where the run was never begun */
  ended(
    mode: 'Full' | 'Incremental',
    outcome: 'complete' | 'stopped' | 'failed',
    seconds: number | undefined,
  ): void;
  changed(kind: 'created' | 'changed' | 'deleted' | 'left', count: number): void;
  /** @param at milliseconds since the epoch */
  completed(connection: string, at: number): void;
}
