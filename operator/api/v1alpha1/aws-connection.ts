// Generated from crds/ by npm run generate. Do not edit.
import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';

/**
 * What is declared of the connection.
 */
export interface AwsConnectionSpec {
  /**
   * Where the credentials of the communication user are.
   */
  credentials: {
    /**
     * A Secret of this namespace with the keys accessKeyId and secretAccessKey, and sessionToken for temporary credentials. It is read again within 60 seconds of a change. It gets a finalizer, so that clean-up still works while the namespace is deleted.
     */
    secretRef: {
      /**
       * Name of the Secret.
       */
      name: string;
    };
  };
  /**
   * IAM user name of the communication user. When given, the credentials must belong to it. It is never managed as an account.
   */
  userName?: string;
  /**
   * The AWS account that the credentials must lead to, twelve digits. When it is not given, the account of the first contact is recorded. Credentials of another account make the connection not Ready (AccountMismatch) and nothing is written.
   */
  accountId?: string;
  /**
   * Addresses in place of AWS's own, for tests and private endpoints. Only where the operator runs with --allow-endpoint-override.
   */
  endpoints?: {
    /**
     * Address of IAM, http:// or https://.
     */
    iam?: string;
    /**
     * Address of STS, http:// or https://.
     */
    sts?: string;
    /**
     * Address of CloudTrail, http:// or https://.
     */
    cloudtrail?: string;
  };
  /**
   * The parameters of the connector. A change is in force with the next reconcile.
   */
  settings?: {
    /**
     * Items a page when the account is read; default 1000.
     */
    pageSize?: number;
    /**
     * Also report when each user's password was last used; default false.
     */
    passwordLastUsed?: boolean;
    /**
     * Region for IAM and STS; default aws-global. A region of another partition (cn-north-1, us-gov-west-1) makes that partition's endpoints be used.
     */
    region?: string;
    /**
     * Region whose CloudTrail holds IAM's events; default the home region of the partition, the only one that has them. Another one is reported in the condition CloudTrailRegion.
     */
    cloudTrailRegion?: string;
    /**
     * Also report the policies that users inherit from their groups; default false.
     */
    policyGroup?: boolean;
    /**
     * When an account is enabled again, also bring back the access keys that its disable had switched off; default false. Disabling always switches them off.
     */
    enableProgrammaticAccess?: boolean;
    /**
     * Whether people have to choose a new password at the first sign-in after one was set, where their account does not say (spec.console.resetRequired); default false. A password that is generated because none was given always has to be changed.
     */
    changePasswordNextSignIn?: boolean;
    /**
     * IANA time zone in which times of AWS are shown in the status; default UTC. IST is read as Asia/Kolkata.
     */
    timeZone?: string;
    /**
     * Put before an attribute's name to make its tag key; default empty. A change leaves the tags of the old prefix to be removed as any attribute that is no longer declared.
     */
    attributeTagPrefix?: string;
    /**
     * Tag keys that are never written or removed, whoever asks: those that access rules of the account stand on. Compared without regard to case.
     */
    protectedTags?: string[];
    /**
     * How an account is disabled: DenyPolicy (the default) denies everything first, which also stops sessions that already run, and switches the credentials off; CredentialsOnly leaves the Deny out.
     */
    disableWith?: 'DenyPolicy' | 'CredentialsOnly';
  };
  /**
   * Changes of the account schema.
   */
  schema?: {
    /**
     * Attributes added, renamed, changed or removed, by name.
     */
    attributes?: {
      /**
       * Name of the attribute, as in AwsAccount.spec.attributes.
       */
      name: string;
      /**
       * The attribute of the guide that gets this name. It keeps its tag.
       */
      renames?: string;
      /**
       * Tag key that holds the attribute, without the prefix; default its name.
       */
      tagKey?: string;
      /**
       * Who leads: idhub-to-app (the default) writes the declared value and mends drift; app-to-idhub reports AWS's value and never writes; bi-directional writes a change of the declared value and reports a change in AWS until then; no-sync does neither.
       */
      syncDirection?: 'idhub-to-app' | 'app-to-idhub' | 'bi-directional' | 'no-sync';
      /**
       * Most characters of a value.
       */
      maxLength?: number;
      /**
       * The only values that are accepted.
       */
      canonicalValues?: string[];
      /**
       * Take the attribute out of the schema.
       */
      removed?: boolean;
    }[];
  };
  /**
   * What this connection never does, whoever asks. Checked before any call to AWS.
   */
  guard?: {
    /**
     * IAM users that are never written, by name, with * and ? as in file names and without regard to case. The communication user is always one of them.
     */
    protectedUsers?: string[];
    /**
     * Policies that may be bound, by ARN with * and ?; inline policies count as inline/<name>. When given, nothing else may, also not through a group. A policy that is denied by default may be bound once it matches here.
     */
    allowedPolicies?: string[];
    /**
     * Policies that may not be bound, also not through a group that has them, by ARN with * and ?. Whatever is listed here, AdministratorAccess and IAMFullAccess are denied until they match allowedPolicies.
     */
    deniedPolicies?: string[];
    /**
     * ARN of the boundary that every user of this connection has to have. Accounts get it; one that declares another is refused, and so is an entitlement for a user without it.
     */
    permissionsBoundary?: string;
    /**
     * How much may be missing in AWS at once before a reconciliation stops and asks: beyond either of the two, nothing is taken for deleted until somebody approves. One is always let through. What was deleted through this product does not count.
     */
    maxDeletions?: {
      /**
       * How many; default 10.
       */
      count?: number;
      /**
       * How many of a hundred that are known; default 5.
       */
      percent?: number;
    };
  };
  /**
   * Other namespaces whose AwsAccounts, AwsEntitlementBindings and AwsReconciliations may refer to this connection; * allows all. Its own may always. Who may make runs there sees all users of the AWS account.
   */
  allowedNamespaces?: string[];
  /**
   * AwsAccounts for IAM users that nobody has declared. They observe, and write nothing until somebody sets their spec.management to Manage. Nothing that was made is ever deleted from here.
   */
  discovery?: {
    /**
     * None (the default), or Observe to make an AwsAccount in Observe for each user that matches.
     */
    mode?: 'None' | 'Observe';
    /**
     * Only users that match this SCIM filter (RFC 7644, 3.4.2.2) over the account schema, such as department eq "Sales". A user of whom that cannot be told gets no account.
     */
    filter?: string;
    /**
     * At most so many such AwsAccounts; default 100.
     */
    limit?: number;
  };
  /**
   * When AwsReconciliations are made by themselves, as a CronJob makes Jobs. Left out, they are made by hand.
   */
  reconciliation?: {
    /**
     * When a run is made, as cron has it: five fields (minute, hour, day of the month, month, day of the week) such as "0 2 * * *", or @hourly, @daily, @weekly, @monthly, @yearly.
     */
    schedule?: string;
    /**
     * Time from one run to the next, for example 6h, give or take a tenth; at least 1m. The first is made within five minutes.
     */
    interval?: string;
    /**
     * IANA time zone of the schedule; default spec.settings.timeZone.
     */
    timeZone?: string;
    /**
     * Mode of the runs, as in an AwsReconciliation; default Full.
     */
    mode?: 'Full' | 'Incremental';
    /**
     * What the runs reconcile, as in an AwsReconciliation; default both.
     */
    resources?: ('Account' | 'Entitlement')[];
    /**
     * Only the accounts that match this SCIM filter, as in an AwsReconciliation.
     */
    filter?: string;
    /**
     * What happens at a time when the run before has not ended: Forbid (the default) waits for its end, Replace deletes it, Allow makes another one.
     */
    concurrencyPolicy?: 'Forbid' | 'Allow' | 'Replace';
    /**
     * How late a run may be made that could not be made in time, in seconds; without limit when absent. Of several missed times the latest counts.
     */
    startingDeadlineSeconds?: number;
    /**
     * No more runs are made. Those that are under way go on.
     */
    suspend?: boolean;
    /**
     * How many ended runs of this schedule are kept, complete ones and failed ones each; default 10.
     */
    historyLimit?: number;
  };
  /**
   * What accounts of this connection get where they say nothing.
   */
  defaults?: {
    /**
     * What happens to the IAM user when the AwsAccount is deleted; default Retain.
     */
    deletionPolicy?: 'Delete' | 'Disable' | 'Retain';
    /**
     * Whether an IAM user that exists already is taken over; default Never.
     */
    adoptionPolicy?: 'Never' | 'IfUnowned' | 'Always';
    /**
     * ARN of the policy that bounds what accounts may be allowed.
     */
    permissionsBoundary?: string;
  };
}

/**
 * What was seen. Written by the operator only.
 */
export interface AwsConnectionStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * Ready (accounts can be worked on), Synced (the last reading was complete), CloudTrailRegion (False where settings.cloudTrailRegion has no events of IAM), WithinDeletionLimit (False while the breaker is open, Unknown where readings cannot be compared), ReconciliationSchedule (True where runs are made by themselves) and Pushed (False where changes do not reach the receiver of --push-url).
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
   * The AWS account.
   */
  account?: {
    /**
     * Twelve digits.
     */
    id?: string;
    /**
     * The account's alias, if it has one.
     */
    alias?: string;
    /**
     * aws, aws-us-gov or aws-cn.
     */
    partition?: string;
  };
  /**
   * Whose credentials are in use.
   */
  caller?: {
    arn?: string;
    /**
     * Which access key is in use, so that a rotation can be followed.
     */
    accessKeyId?: string;
  };
  /**
   * Quotas of the account and how much of each is used.
   */
  quotas?: {
    name: string;
    used: number;
    quota: number;
  }[];
  /**
   * The last complete reading of the account.
   */
  snapshot?: {
    /**
     * When the reading began.
     */
    takenAt?: string;
    /**
     * How many users it shows.
     */
    users?: number;
    /**
     * How many groups it shows.
     */
    groups?: number;
    /**
     * How many calls to AWS it took.
     */
    calls?: number;
    /**
     * What could not be read of anybody, and why: it is unknown, not absent. passwordLastUsed (ListUsers is refused), credentials (there is no credential report).
     */
    unknown?: {
      what: 'passwordLastUsed' | 'credentials';
      why: string;
    }[];
  };
  /**
   * What spec.discovery came to.
   */
  discovery?: {
    /**
     * How many AwsAccounts were made for users that were found, and are there.
     */
    accounts?: number;
    /**
     * How many users wait, since the limit is reached.
     */
    more?: number;
    /**
     * Of how many users it cannot be told whether they match.
     */
    unknown?: number;
  };
  /**
   * Open while more users are missing than may be deleted at once: lists that others take deletions from stop until then.
   */
  breaker?: {
    /**
     * Since when it is open.
     */
    since: string;
    /**
     * The AwsReconciliation whose deletions were stopped, namespace/name.
     */
    run?: string;
    /**
     * How many that run found missing.
     */
    deletions?: number;
    /**
     * How many the last reading of the account lacks, where they are more than the limit.
     */
    missing?: number;
  };
  /**
   * Runs that were made by the schedule, and when the next one is.
   */
  reconciliation?: {
    /**
     * The time for which a run was made last.
     */
    lastScheduleTime?: string;
    /**
     * The next time for a run; gone while none is made.
     */
    nextScheduleTime?: string;
    /**
     * When a run of the schedule was complete last.
     */
    lastSuccessfulTime?: string;
    /**
     * Names of the runs that have not ended; 100 at most.
     */
    active?: string[];
  };
  /**
   * How many AwsAccount objects use this connection.
   */
  accounts?: number;
}

export interface AwsConnection {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: AwsConnectionSpec;
  readonly status?: AwsConnectionStatus;
}

/** AwsConnection of aws.idhub.io/v1alpha1, as the API server serves it. */
export const awsConnectionType: ResourceType<AwsConnection> = {
  group: 'aws.idhub.io',
  version: 'v1alpha1',
  plural: 'awsconnections',
  kind: 'AwsConnection',
  namespaced: true,
};
