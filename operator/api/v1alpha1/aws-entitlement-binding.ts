// Generated from crds/ by npm run generate. Do not edit.
import type { ObjectMeta, ResourceType } from '../../runtime/index.ts';

/**
 * Which edge it is, and whether it is to be there.
 */
export interface AwsEntitlementBindingSpec {
  /**
   * The AwsAccount of this namespace whose user it is. It cannot be changed.
   */
  accountRef?: {
    /**
     * Name of the AwsAccount.
     */
    name: string;
  };
  /**
   * With userName, the AwsConnection to a user that no AwsAccount need manage. It cannot be changed.
   */
  connectionRef?: {
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
   * IAM user name. It cannot be changed; a rename in AWS is followed.
   */
  userName?: string;
  /**
   * What the user is entitled to. Its type, name and arn cannot be changed.
   */
  entitlement: {
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
  };
  /**
   * Present (the default), or Absent: the edge must not be there, whoever made it.
   */
  state?: 'Present' | 'Absent';
  /**
   * When the edge is taken away, whoever made it, within a minute.
   */
  expiresAt?: string;
  /**
   * What happens to the edge when this object is deleted: RevokeIfCreated (the default) takes it away if it was made from here, Revoke always, Keep never. Where other bindings want the same edge it stays.
   */
  onDelete?: 'RevokeIfCreated' | 'Revoke' | 'Keep';
}

/**
 * What was seen. Written by the operator only.
 */
export interface AwsEntitlementBindingStatus {
  /**
   * The generation of the spec that this status speaks of.
   */
  observedGeneration?: number;
  /**
   * Ready (the edge is as declared) and Synced (nothing is left to be brought to AWS). Unknown where AWS could not be asked, or where something is waited for.
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
   * Whether the edge is there; Unknown where AWS could not be asked.
   */
  state?: 'Present' | 'Absent' | 'Unknown';
  /**
   * IAM's unique id of the user.
   */
  userId?: string;
  /**
   * The user's name in AWS.
   */
  userName?: string;
  /**
   * Name of the group or policy.
   */
  entitlementName?: string;
  /**
   * ARN of the group or policy. An inline policy has none in AWS; its own is the user's with /policy/<name> after it.
   */
  entitlementArn?: string;
  /**
   * Whether the edge was made from here (Created) or had been there before (PreExisting).
   */
  origin?: 'Created' | 'PreExisting';
  /**
   * Since when this object holds the edge.
   */
  since?: string;
  /**
   * When the edge was last seen to be as declared, to the day; status.snapshot.takenAt of the connection is the newest look at all of them.
   */
  lastVerified?: string;
  /**
   * The last time that the edge was found changed in AWS and put right.
   */
  drift?: {
    mendedAt?: string;
    what?: string;
  };
  /**
   * The value of the annotation aws.idhub.io/reconcile-at that was last obeyed.
   */
  handledReconcileAt?: string;
}

export interface AwsEntitlementBinding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: AwsEntitlementBindingSpec;
  readonly status?: AwsEntitlementBindingStatus;
}

/** AwsEntitlementBinding of aws.idhub.io/v1alpha1, as the API server serves it. */
export const awsEntitlementBindingType: ResourceType<AwsEntitlementBinding> = {
  group: 'aws.idhub.io',
  version: 'v1alpha1',
  plural: 'awsentitlementbindings',
  kind: 'AwsEntitlementBinding',
  namespaced: true,
};
