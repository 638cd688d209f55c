import type { Report } from '../../../src/reconciliation/index.ts';
import type { AwsConnection, AwsReconciliation } from '../../api/v1alpha1/index.ts';
import type { ObjectKey } from '../../runtime/index.ts';

/** What a run is about to remember, and others are to be told of once it has. */
export interface StagedReport {
  readonly connection: AwsConnection;
  readonly run: AwsReconciliation;
  /** Under which name what was found is remembered. */
  readonly scope: string;
  readonly report: Report;
}

/** A run that was committed. */
export interface CommittedReport {
  readonly run: AwsReconciliation;
  readonly scope: string;
  /** How many changes its report has. */
  readonly changes: number;
}

/**
 * What is to be sent to others, kept in the cluster until it is taken. A run's changes are put into it before they
 * are remembered, and count from when they are: whoever is killed in between loses nothing and sends nothing
 * that a later run reports again.
 */
export interface Outbox {
  /**
   * Keeps the changes of a run that is about to be committed; replaces those of an earlier try of it.
   * @throws {ApiError} {OutboxSpoiltError} then the run must not be committed
   */
  stage(staged: StagedReport, signal: AbortSignal): Promise<void>;
  /** A try of a run is over, however it ended. */
  release(connection: ObjectKey, uid: string): void;
  /**
   * The run is committed: its changes are to be sent. Harmless when repeated.
   * @throws {ApiError} {OutboxSpoiltError} then the run must not end
   */
  confirm(committed: CommittedReport, signal: AbortSignal): Promise<void>;
}

/** What is kept to be sent cannot be used, and is not written over: a person has to look. */
export class OutboxSpoiltError extends Error {
  override readonly name = 'OutboxSpoiltError';
}
