// Generated from crds/ by npm run generate. Do not edit.
import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';

/**
 * What is declared of the IAM user.
 */
export interface AwsAccountSpec {
  /**
   * The AwsConnection. It cannot be changed.
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
   * The console password. Left out, it is not touched.
   */
  console?: {
    /**
     * Managed keeps a password there while the account is enabled, None keeps none there, Unmanaged does not touch it.
     */
    access: 'Managed' | 'None' | 'Unmanaged';
    /**
     * Where the password is, in this namespace. It is set when the user is made and when it changes in the Secret (seen within 60 seconds), never otherwise. Without it one is generated that fits the password policy of the AWS account, and put into the Secret of spec.credentialsSecretName.
     */
    passwordSecretRef?: {
      /**
       * Name of the Secret.
       */
      name: string;
      /**
       * Key in the Secret; default password.
       */
      key?: string;
    };
    /**
     * Whether the person has to choose a new password at the first sign-in after one was set; default settings.changePasswordNextSignIn of the connection. The user gets the right to do so (IAMUserChangePassword) where the account's password policy does not give it.
     */
    resetRequired?: boolean;
    /**
     * A password reset.
     */
    reset?: {
      /**
       * Any new value sets a new password, once.
       */
      requestId: string;
    };
  };
  /**
   * Access keys. Left out, they are not touched.
   */
  programmatic?: {
    /**
     * Managed keeps one access key of ours, published in the Secret of spec.credentialsSecretName; None keeps none usable (ours are deleted, others switched off); Unmanaged does not touch them.
     */
    access: 'Managed' | 'None' | 'Unmanaged';
    /**
     * Age at which the key is replaced, for example 90d, 12h or 30m. Left out, it is not replaced.
     */
    rotateAfter?: string;
    /**
     * How long the replaced key still works; default 24h, or half of rotateAfter where that is less.
     */
    overlap?: string;
  };
  /**
   * Name of the Secret that generated passwords and access keys go to; default <name>-credentials. It is made when it is needed. A Secret of that name that is not this object's is left alone.
   */
  credentialsSecretName?: string;
  /**
   * Groups and policies of the user. Each becomes an AwsEntitlementBinding that belongs to this object.
   */
  entitlements?: {
    /**
     * What kind of entitlement it is.
     */
    type: 'Group' | 'AwsManagedPolicy' | 'CustomerManagedPolicy' | 'InlinePolicy';
    /**
     * Its name, or its path and name (job-function/Billing). IAM ignores the case of names.
     */
    name?: string;
    /**
     * Its ARN, in place of the name; its partition must be that of the connection.
     */
    arn?: string;
    /**
     * The policy document of an InlinePolicy. Documents are compared by what they mean.
     */
    document?: {};
    /**
     * When it is taken away again.
     */
    expiresAt?: string;
    /**
     * Present (the default), or Absent: the user must not have it, whoever gave it.
     */
    state?: 'Present' | 'Absent';
    /**
     * What happens when the entry is taken out; as in AwsEntitlementBinding.
     */
    onDelete?: 'RevokeIfCreated' | 'Revoke' | 'Keep';
  }[];
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
   * How the user can get in, as it is in AWS: from our own newest look or change, else from the credential report (up to four hours old). Unknown where there is neither.
   */
  access?: {
    /**
     * Enabled where there is a password, None where there is none.
     */
    console?: 'Enabled' | 'None' | 'Unknown';
    /**
     * Enabled where an access key is Active, Disabled where all are Inactive, None where there is none.
     */
    programmatic?: 'Enabled' | 'Disabled' | 'None' | 'Unknown';
    /**
     * When this became known, by what was done or seen; an older credential report does not overrule it.
     */
    since?: string;
  };
  /**
   * Access keys of the user as they were last looked at, live.
   */
  accessKeys?: {
    id: string;
    status: 'Active' | 'Inactive';
    createdAt?: string;
    /**
     * Whether the key was made from here.
     */
    managed: boolean;
  }[];
  /**
   * The Secret that holds what was generated.
   */
  credentialsSecretName?: string;
  /**
   * When the password or an access key was last used, the latest of them, in the time zone of the connection. Absent where none ever was, or where nothing tells of it (the credential report cannot be read).
   */
  lastActivity?: string;
  /**
   * Of spec.entitlements, how many there are and how many are as declared.
   */
  entitlements?: {
    declared: number;
    ready: number;
  };
  /**
   * The last time that something was found changed in AWS and put right.
   */
  drift?: {
    mendedAt?: string;
    fields?: string[];
  };
  /**
   * The value of the annotation aws.idhub.io/operation that this status speaks of.
   */
  observedOperation?: string;
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
