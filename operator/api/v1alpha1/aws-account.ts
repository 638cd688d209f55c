// Generated from crds/ by npm run generate. Do not edit.
import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';

/**
 * What is declared of the IAM user.
 */
export interface AwsAccountSpec {
  /**
   * The AwsConnection, in this namespace. It cannot be changed.
   */
  connectionRef: {
    /**
     * Name of the AwsConnection.
     */
    name: string;
  };
  /**
   * IAM user name: 1 to 64 letters, digits or any of _+=,.@-, unique in the account without regard to case. The object's own name may be any other. A change renames the user, which keeps its unique id.
   */
  userName: string;
  /**
   * IAM path, / or a path that begins and ends with /. When it is not given, a new user gets / and an existing one keeps its own.
   */
  path?: string;
  /**
   * Attributes of the account schema (givenName, surname, mail, department ...). They are kept as tags of the user; a value that IAM does not take as it is (O'Brien) is encoded, and nothing of it is lost.
   */
  attributes?: {
    [k: string]: string;
  };
  /**
   * Further tags of the user. Tags that others set stay. A key that is removed here is removed from the user if it was written from here.
   */
  tags?: {
    [k: string]: string;
  };
  /**
   * Whether the user may get in; default true. false denies everything, then switches every credential off and remembers which; true brings back what that had switched off. The annotation aws.idhub.io/disabled-by wins over it.
   */
  enabled?: boolean;
  /**
   * ARN of the policy that bounds what the user may be allowed. Clearing it removes the boundary if it came from here.
   */
  permissionsBoundary?: string;
  /**
   * What happens to the IAM user when this object is deleted: Retain (the default) lets go of it, Disable shuts it out and lets go of it, Delete deletes it with everything it owns.
   */
  deletionPolicy?: 'Delete' | 'Disable' | 'Retain';
  /**
   * Whether an IAM user that exists already is taken over: Never (the default), IfUnowned (no other object manages it), Always (also from another object or installation).
   */
  adoptionPolicy?: 'Never' | 'IfUnowned' | 'Always';
  /**
   * What happens when the IAM user was deleted in AWS: Hold (the default) reports it and waits, Recreate makes a new one, which is another identity.
   */
  onExternalDelete?: 'Hold' | 'Recreate';
  /**
   * Manage (the default), or Observe to report the user and never write.
   */
  management?: 'Manage' | 'Observe';
}

/**
 * What was seen. Written by the operator only.
 */
export interface AwsAccountStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * Ready (the user is as declared) and Synced (nothing that is declared is left to be brought to AWS). Unknown where AWS could not be asked.
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
   * IAM's unique id of the user (AIDA...), which a rename keeps.
   */
  userId?: string;
  arn?: string;
  /**
   * The name in AWS, its letters as AWS keeps them.
   */
  userName?: string;
  path?: string;
  /**
   * Enabled, Disabled, Absent, or Unknown where AWS could not be asked.
   */
  state?: 'Enabled' | 'Disabled' | 'Absent' | 'Unknown';
  /**
   * What the disable switched off, and an enable brings back.
   */
  switchedOff?: string[];
  /**
   * When the credentials of a disabled user were last looked at, live.
   */
  credentialsAuditedAt?: string;
  /**
   * Values in AWS of the attributes that AWS leads for, or shares the lead.
   */
  attributes?: {
    [k: string]: string;
  };
  /**
   * Groups that the user is in.
   */
  groups?: string[];
  /**
   * ARNs of the policies attached to the user, and inline/<name> for its own.
   */
  policies?: string[];
  /**
   * With settings.policyGroup, the policies that come through groups.
   */
  inheritedPolicies?: {
    policy: string;
    group: string;
  }[];
  /**
   * With settings.passwordLastUsed, when the password was last used, in the time zone of the connection. Absent where it never was.
   */
  passwordLastUsed?: string;
  /**
   * The last time that something was found changed in AWS and put right.
   */
  drift?: {
    mendedAt?: string;
    fields?: string[];
  };
  /**
   * The value of the annotation aws.idhub.io/reconcile-at that was last obeyed.
   */
  handledReconcileAt?: string;
}

export interface AwsAccount {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: AwsAccountSpec;
  readonly status?: AwsAccountStatus;
}

/** AwsAccount of aws.idhub.io/v1alpha1, as the API server serves it. */
export const awsAccountType: ResourceType<AwsAccount> = {
  group: 'aws.idhub.io',
  version: 'v1alpha1',
  plural: 'awsaccounts',
  kind: 'AwsAccount',
  namespaced: true,
};
