/**
 * What an account holds. Values are immutable and replaced as a whole, so that a refused call leaves no half change
 * and a stale reader can keep the value from before. Times are milliseconds since the epoch.
 */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export type Status = 'Active' | 'Inactive';

export interface InlinePolicy {
  readonly name: string;
  readonly document: string;
}

export interface LoginProfile {
  readonly createdAt: number;
  readonly changedAt: number;
  readonly salt: string;
  readonly hash: string;
  /** Hashes of earlier passwords, newest first, for PasswordReusePrevention. */
  readonly earlier: readonly { readonly salt: string; readonly hash: string }[];
  readonly resetRequired: boolean;
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly status: Status;
  readonly createdAt: number;
  readonly lastUsed?: { readonly at: number; readonly region: string; readonly service: string };
}

export interface MfaAssignment {
  readonly serialNumber: string;
  readonly enabledAt: number;
}

export interface SshKey {
  readonly id: string;
  readonly fingerprint: string;
  readonly body: string;
  readonly status: Status;
  readonly uploadedAt: number;
}

export interface SigningCertificate {
  readonly id: string;
  readonly body: string;
  readonly fingerprint: string;
  readonly status: Status;
  readonly uploadedAt: number;
}

export interface ServiceCredential {
  readonly id: string;
  readonly serviceName: string;
  /** The user name that the service knows, such as `bob-at-123456789012`. */
  readonly serviceUserName: string;
  readonly password: string;
  readonly status: Status;
  readonly createdAt: number;
  readonly expiresAt?: number;
}

interface Entity {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly createdAt: number;
}

export interface PolicyHolder {
  readonly inline: readonly InlinePolicy[];
  /** ARNs of managed policies. */
  readonly attached: readonly string[];
}

export interface User extends Entity, PolicyHolder {
  readonly tags: readonly Tag[];
  readonly boundary?: string;
  readonly login?: LoginProfile;
  readonly passwordLastUsed?: number;
  readonly accessKeys: readonly AccessKey[];
  readonly mfa: readonly MfaAssignment[];
  readonly sshKeys: readonly SshKey[];
  readonly certificates: readonly SigningCertificate[];
  readonly serviceCredentials: readonly ServiceCredential[];
  /** Unique ids of groups, so that a group's rename keeps its members. */
  readonly groups: readonly string[];
}

export interface Group extends Entity, PolicyHolder {}

export interface Role extends Entity, PolicyHolder {
  readonly trust: string;
  readonly description?: string;
  readonly maxSessionSeconds: number;
  readonly tags: readonly Tag[];
  readonly boundary?: string;
  readonly lastUsed?: { readonly at: number; readonly region: string };
}

export interface PolicyVersion {
  readonly id: string;
  readonly document: string;
  readonly createdAt: number;
}

export interface ManagedPolicy extends Entity {
  readonly arn: string;
  readonly description?: string;
  readonly versions: readonly PolicyVersion[];
  readonly defaultVersion: string;
  /** The number of the next version: numbers are not used again. */
  readonly nextVersion: number;
  readonly updatedAt: number;
  readonly tags: readonly Tag[];
}

export interface VirtualMfaDevice {
  readonly serialNumber: string;
  readonly path: string;
  readonly seed: string;
  readonly createdAt: number;
  readonly tags: readonly Tag[];
  readonly assigned?: { readonly userId: string; readonly at: number };
}

/** The account password policy, in the API's own names. */
export interface PasswordPolicy {
  readonly MinimumPasswordLength: number;
  readonly RequireSymbols: boolean;
  readonly RequireNumbers: boolean;
  readonly RequireUppercaseCharacters: boolean;
  readonly RequireLowercaseCharacters: boolean;
  readonly AllowUsersToChangePassword: boolean;
  readonly MaxPasswordAge?: number;
  readonly PasswordReusePrevention?: number;
  readonly HardExpiry?: boolean;
}

/** Temporary credentials and whom they stand for. */
export interface Session {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly token: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly mfa: boolean;
  readonly principal:
    | { readonly kind: 'user'; readonly userId: string }
    | { readonly kind: 'role'; readonly roleId: string; readonly sessionName: string };
  readonly policies: readonly string[];
}
