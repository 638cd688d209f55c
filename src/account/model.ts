import type { Tag } from '../schema/index.ts';

/** Whether our Deny on everything stands on the user: as an inline policy, as `AWSDenyAll`, or not. */
export type DenyState = 'inline' | 'altered' | 'managed' | 'absent';

export interface AttachedPolicy {
  readonly name: string;
  readonly arn: string;
}

/** A policy of the user's own. */
export interface InlinePolicy {
  readonly name: string;
  /** Of what its document means (`documentFingerprint`); undefined where it was not read. */
  readonly fingerprint: string | undefined;
  /** Characters that count against the quota of the user: white space does not (IAM quotas). */
  readonly size: number;
}

/** What a user is entitled to directly: its edges to groups and policies. */
export interface Edges {
  readonly groups: readonly string[];
  readonly attachedPolicies: readonly AttachedPolicy[];
  readonly inlinePolicies: readonly InlinePolicy[];
}

/** An IAM user as AWS shows it in `GetAccountAuthorizationDetails`, `ListUsers` and `GetUser`. */
export interface ObservedUser extends Edges {
  readonly userName: string;
  /** The identity: `AIDA…`. A name that is deleted and made again has another one. */
  readonly userId: string;
  readonly arn: string;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly tags: readonly Tag[];
  readonly boundary: string | undefined;
  readonly deny: DenyState;
  /** Milliseconds since the epoch; undefined where the password was never used, or was not read. */
  readonly passwordLastUsed: number | undefined;
}

/** What the credential report says of a user. All times are of AWS's clock, in milliseconds since the epoch. */
export interface CredentialFacts {
  /** Changes that were made before are in it; later ones may be missing. It may be hours ago. */
  readonly asOf: number;
  /** There is a console password. */
  readonly console: boolean;
  /** Absent where it never was, or not as far back as AWS knows. */
  readonly passwordLastUsed?: number;
  readonly passwordChangedAt?: number;
  /** The keys that there are; of one that is Inactive AWS may not tell. */
  readonly keys: readonly {
    readonly active: boolean;
    readonly lastUsed?: number;
    /** When the key was made or last switched. */
    readonly rotatedAt?: number;
  }[];
  readonly mfa: boolean;
}

export type DeletionPolicy = 'Delete' | 'Disable' | 'Retain';
export type AdoptionPolicy = 'Never' | 'IfUnowned' | 'Always';
export type DisableWith = 'DenyPolicy' | 'CredentialsOnly';

/** What the object remembers of the user, independent of its status. */
export interface Memory {
  /** The unique id of the user that the object stands for. */
  readonly userId: string | undefined;
  readonly applied: Applied | undefined;
}

/** What we last declared on the user. Kept on the object, since AWS cannot tell ours from others'. */
export interface Applied {
  /** The AWS account, twelve digits. */
  readonly account: string;
  readonly userName: string;
  /** Tag keys that are ours to remove. */
  readonly tags: readonly string[];
  /** The boundary that we wrote: ours to remove for as long as it is this one. */
  readonly boundary: string | null;
  /** For `bi-directional` attributes: a hash of the value in the spec that was last written. */
  readonly written: Readonly<Record<string, string>>;
  /** When the first of it was announced, milliseconds since the epoch. */
  readonly since: number;
}

/** What an AwsAccount asks for, with the defaults of its connection filled in. */
export interface Declared {
  readonly userName: string;
  readonly path: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly boundary: string | undefined;
  readonly adoptionPolicy: AdoptionPolicy;
  readonly onExternalDelete: 'Hold' | 'Recreate';
  /** The unique id that a person confirmed after `IdentityChanged`. */
  readonly confirmedId: string | undefined;
}
