// Generated from crds/ by npm run generate. Do not edit.
import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';

/**
 * What is read and compared. Only ttlSecondsAfterFinished can be changed.
 */
export interface AwsReconciliationSpec {
  /**
   * The AwsConnection to the AWS account that is read.
   */
  connectionRef: {
    /**
     * Name of the AwsConnection.
     */
    name: string;
    /**
     * Namespace of the AwsConnection, when it is not this one; the connection must list this namespace in its spec.allowedNamespaces.
     */
    namespace?: string;
  };
  /**
   * Full (the default) reads the whole account. Incremental reads CloudTrail and then only what its events speak of; where that cannot be relied on the run is full, and says why.
   */
  mode?: 'Full' | 'Incremental';
  /**
   * What is reconciled: Account (IAM users) and Entitlement (groups and policies); default both, and Account alone with users.
   */
  resources?: ('Account' | 'Entitlement')[];
  /**
   * Only the accounts that match this SCIM filter (RFC 7644, 3.4.2.2) over the account schema, such as department eq "Sales" and active eq true. One that matches no longer is not deleted. Each filter has what it last reconciled of its own.
   */
  filter?: string;
  /**
   * Only these accounts, by IAM user name, read live.
   */
  users?: string[];
  /**
   * Report only. The next run reports the same changes again.
   */
  dryRun?: boolean;
  /**
   * How long after its end this object is deleted, and its report with it, in seconds; kept when absent.
   */
  ttlSecondsAfterFinished?: number;
}

/**
 * What was found. Written by the operator only.
 */
export interface AwsReconciliationStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * Complete (True once all was read, compared, reported and remembered), Failed (True where the run ended without that), Ready (as Complete; its reason and message tell what is waited for) and Synced (nothing is left to be read).
   */
  conditions?: {
    type: string;
    status: 'True' | 'False' | 'Unknown';
    reason: string;
    message: string;
    observedGeneration?: number;
    lastTransitionTime: string;
  }[];
  /**
   * How it was read in the end, where a fall back made an incremental run a full one.
   */
  mode?: 'Full' | 'Incremental';
  /**
   * The AWS account that was read, twelve digits.
   */
  account?: string;
  /**
   * When the run began, in the time zone of the connection.
   */
  startedAt?: string;
  /**
   * When the run ended, in the time zone of the connection.
   */
  finishedAt?: string;
  /**
   * How long the run that succeeded took, its waiting and earlier tries not counted.
   */
  seconds?: number;
  /**
   * How often it was begun; more than once where AWS or the process failed on the way.
   */
  attempts?: number;
  /**
   * Calls to AWS.
   */
  calls?: number;
  /**
   * How far a run is; gone once it has ended.
   */
  progress?: {
    /**
     * What is being done.
     */
    step?: string;
    done?: number;
    of?: number;
  };
  /**
   * What was found, accounts and entitlements together.
   */
  counts?: {
    /**
     * How many were read.
     */
    read?: number;
    created?: number;
    /**
     * Renamed ones among them.
     */
    changed?: number;
    deleted?: number;
    unchanged?: number;
    /**
     * How many could not be read or compared to the end; nothing is reported of them.
     */
    unknown?: number;
    /**
     * How many match the filter no longer. They are not deleted.
     */
    left?: number;
  };
  /**
   * The first 100 changes; all of them are in the report.
   */
  changes?: {
    resource: 'Account' | 'Entitlement';
    change: 'Created' | 'Changed' | 'Deleted' | 'LeftFilter';
    /**
     * IAM's unique id; the ARN where there is none.
     */
    id?: string;
    name: string;
    /**
     * The name before, of one that was renamed.
     */
    before?: string;
    /**
     * What changed.
     */
    what?: string[];
  }[];
  /**
   * The whole report, which is kept with this object.
   */
  report?: {
    /**
     * How many changes it has.
     */
    changes?: number;
  };
  /**
   * Up to when changes are known; the next incremental run begins a little before.
   */
  cursor?: string;
  /**
   * Why an incremental run read the whole account.
   */
  fallback?: {
    reason:
      'NoBaseline' | 'CursorTooOld' | 'CursorAhead' | 'TooMuchBacklog' | 'NoTrailRight' | 'NotHomeRegion';
    message: string;
  };
  /**
   * What the guard stopped, since spec.guard.maxDeletions of the connection allows fewer.
   */
  guard?: {
    /**
     * How many are missing in AWS.
     */
    deletions: number;
    /**
     * How many may be missing at once.
     */
    allowed?: number;
    /**
     * Stands for exactly these deletions: the annotation aws.idhub.io/approve-deletions with this value lets them go.
     */
    token: string;
    /**
     * The first 100 of them.
     */
    names?: string[];
  };
}

export interface AwsReconciliation {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: AwsReconciliationSpec;
  readonly status?: AwsReconciliationStatus;
}

/** AwsReconciliation of aws.idhub.io/v1alpha1, as the API server serves it. */
export const awsReconciliationType: ResourceType<AwsReconciliation> = {
  group: 'aws.idhub.io',
  version: 'v1alpha1',
  plural: 'awsreconciliations',
  kind: 'AwsReconciliation',
  namespaced: true,
};
