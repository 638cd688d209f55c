import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as iam from '@aws-sdk/client-iam';
import * as sts from '@aws-sdk/client-sts';

/** The parts of the product that a customer may allow one by one; one policy file each. */
export type Feature =
  | 'connection'
  | 'accounts'
  | 'console'
  | 'access-keys'
  | 'entitlements'
  | 'disable'
  | 'delete'
  | 'incremental';

export type Service = 'iam' | 'sts' | 'cloudtrail';

/** What is known of an API operation before it is called. */
interface OperationFacts {
  readonly service: Service;
  readonly access: 'read' | 'write';
  readonly features: readonly Feature[];
  /** IAM actions that AWS asks of the caller; empty where none is needed. */
  readonly actions: readonly `${Service}:${string}`[];
}

const read = <const N extends string>(name: N, ...features: Feature[]) =>
  ({ service: 'iam', access: 'read', features, actions: [`iam:${name}`] }) as const satisfies OperationFacts;
const write = <const N extends string>(name: N, ...features: Feature[]) =>
  ({ service: 'iam', access: 'write', features, actions: [`iam:${name}`] }) as const satisfies OperationFacts;

/**
 * Every AWS call that the product makes, and nothing else: an operation that is not here cannot be
 * called (`IamApi.call` takes only these names), and the AWS policies under docs/aws-policy are
 * generated from this table. Actions are those of AWS's service authorization reference for IAM.
 */
export const operations = {
  GetCallerIdentity: {
    command: sts.GetCallerIdentityCommand,
    service: 'sts',
    access: 'read',
    features: ['connection'],
    // AWS answers this call without any permission (STS API, GetCallerIdentity).
    actions: [],
  },
  ListAccountAliases: { command: iam.ListAccountAliasesCommand, ...read('ListAccountAliases', 'connection') },
  GetAccountSummary: { command: iam.GetAccountSummaryCommand, ...read('GetAccountSummary', 'connection') },
  GetAccountAuthorizationDetails: {
    command: iam.GetAccountAuthorizationDetailsCommand,
    ...read('GetAccountAuthorizationDetails', 'connection'),
  },
  ListUsers: { command: iam.ListUsersCommand, ...read('ListUsers', 'connection', 'incremental') },
  GenerateCredentialReport: {
    command: iam.GenerateCredentialReportCommand,
    ...read('GenerateCredentialReport', 'connection'),
  },
  GetCredentialReport: {
    command: iam.GetCredentialReportCommand,
    ...read('GetCredentialReport', 'connection'),
  },

  GetUser: { command: iam.GetUserCommand, ...read('GetUser', 'accounts', 'entitlements', 'incremental') },
  CreateUser: {
    command: iam.CreateUserCommand,
    service: 'iam',
    access: 'write',
    features: ['accounts'],
    // Tags in the call need the right to tag as well (IAM user guide, tagging IAM users).
    actions: ['iam:CreateUser', 'iam:TagUser'],
  },
  UpdateUser: { command: iam.UpdateUserCommand, ...write('UpdateUser', 'accounts') },
  TagUser: { command: iam.TagUserCommand, ...write('TagUser', 'accounts', 'disable', 'delete') },
  UntagUser: { command: iam.UntagUserCommand, ...write('UntagUser', 'accounts', 'disable') },
  PutUserPermissionsBoundary: {
    command: iam.PutUserPermissionsBoundaryCommand,
    ...write('PutUserPermissionsBoundary', 'accounts'),
  },
  DeleteUserPermissionsBoundary: {
    command: iam.DeleteUserPermissionsBoundaryCommand,
    ...write('DeleteUserPermissionsBoundary', 'accounts'),
  },

  GetAccountPasswordPolicy: {
    command: iam.GetAccountPasswordPolicyCommand,
    ...read('GetAccountPasswordPolicy', 'console'),
  },
  CreateLoginProfile: { command: iam.CreateLoginProfileCommand, ...write('CreateLoginProfile', 'console') },
  UpdateLoginProfile: { command: iam.UpdateLoginProfileCommand, ...write('UpdateLoginProfile', 'console') },

  CreateAccessKey: { command: iam.CreateAccessKeyCommand, ...write('CreateAccessKey', 'access-keys') },
  LookupEvents: {
    command: cloudtrail.LookupEventsCommand,
    service: 'cloudtrail',
    access: 'read',
    features: ['access-keys', 'incremental'],
    actions: ['cloudtrail:LookupEvents'],
  },

  AddUserToGroup: { command: iam.AddUserToGroupCommand, ...write('AddUserToGroup', 'entitlements') },
  ListGroups: { command: iam.ListGroupsCommand, ...read('ListGroups', 'entitlements', 'incremental') },
  ListPolicies: { command: iam.ListPoliciesCommand, ...read('ListPolicies', 'entitlements', 'incremental') },
  GetUserPolicy: {
    command: iam.GetUserPolicyCommand,
    ...read('GetUserPolicy', 'entitlements', 'incremental'),
  },

  PutUserPolicy: {
    command: iam.PutUserPolicyCommand,
    ...write('PutUserPolicy', 'disable', 'entitlements'),
  },
  DeleteUserPolicy: {
    command: iam.DeleteUserPolicyCommand,
    ...write('DeleteUserPolicy', 'entitlements', 'disable', 'delete'),
  },
  AttachUserPolicy: {
    command: iam.AttachUserPolicyCommand,
    ...write('AttachUserPolicy', 'console', 'entitlements', 'disable'),
  },
  DetachUserPolicy: {
    command: iam.DetachUserPolicyCommand,
    ...write('DetachUserPolicy', 'console', 'entitlements', 'disable', 'delete'),
  },
  GetLoginProfile: {
    command: iam.GetLoginProfileCommand,
    ...read('GetLoginProfile', 'console', 'disable', 'incremental'),
  },
  DeleteLoginProfile: {
    command: iam.DeleteLoginProfileCommand,
    ...write('DeleteLoginProfile', 'console', 'disable', 'delete'),
  },
  ListAccessKeys: {
    command: iam.ListAccessKeysCommand,
    ...read('ListAccessKeys', 'access-keys', 'disable', 'delete', 'incremental'),
  },
  UpdateAccessKey: {
    command: iam.UpdateAccessKeyCommand,
    ...write('UpdateAccessKey', 'access-keys', 'disable'),
  },
  ListSSHPublicKeys: {
    command: iam.ListSSHPublicKeysCommand,
    ...read('ListSSHPublicKeys', 'disable', 'delete'),
  },
  UpdateSSHPublicKey: { command: iam.UpdateSSHPublicKeyCommand, ...write('UpdateSSHPublicKey', 'disable') },
  ListSigningCertificates: {
    command: iam.ListSigningCertificatesCommand,
    ...read('ListSigningCertificates', 'disable', 'delete'),
  },
  UpdateSigningCertificate: {
    command: iam.UpdateSigningCertificateCommand,
    ...write('UpdateSigningCertificate', 'disable'),
  },
  ListServiceSpecificCredentials: {
    command: iam.ListServiceSpecificCredentialsCommand,
    ...read('ListServiceSpecificCredentials', 'disable', 'delete'),
  },
  UpdateServiceSpecificCredential: {
    command: iam.UpdateServiceSpecificCredentialCommand,
    ...write('UpdateServiceSpecificCredential', 'disable'),
  },

  ListUserPolicies: {
    command: iam.ListUserPoliciesCommand,
    ...read('ListUserPolicies', 'entitlements', 'delete', 'incremental'),
  },
  ListAttachedUserPolicies: {
    command: iam.ListAttachedUserPoliciesCommand,
    ...read('ListAttachedUserPolicies', 'console', 'entitlements', 'delete', 'incremental'),
  },
  ListGroupsForUser: {
    command: iam.ListGroupsForUserCommand,
    ...read('ListGroupsForUser', 'entitlements', 'delete', 'incremental'),
  },
  RemoveUserFromGroup: {
    command: iam.RemoveUserFromGroupCommand,
    ...write('RemoveUserFromGroup', 'entitlements', 'delete'),
  },
  ListMFADevices: { command: iam.ListMFADevicesCommand, ...read('ListMFADevices', 'delete', 'incremental') },
  DeactivateMFADevice: { command: iam.DeactivateMFADeviceCommand, ...write('DeactivateMFADevice', 'delete') },
  DeleteVirtualMFADevice: {
    command: iam.DeleteVirtualMFADeviceCommand,
    ...write('DeleteVirtualMFADevice', 'delete'),
  },
  DeleteAccessKey: {
    command: iam.DeleteAccessKeyCommand,
    ...write('DeleteAccessKey', 'access-keys', 'delete'),
  },
  DeleteSSHPublicKey: { command: iam.DeleteSSHPublicKeyCommand, ...write('DeleteSSHPublicKey', 'delete') },
  DeleteSigningCertificate: {
    command: iam.DeleteSigningCertificateCommand,
    ...write('DeleteSigningCertificate', 'delete'),
  },
  DeleteServiceSpecificCredential: {
    command: iam.DeleteServiceSpecificCredentialCommand,
    ...write('DeleteServiceSpecificCredential', 'delete'),
  },
  DeleteUser: { command: iam.DeleteUserCommand, ...write('DeleteUser', 'delete') },
} as const;

export type Operation = keyof typeof operations;

type CommandOf<K extends Operation> = InstanceType<(typeof operations)[K]['command']>;
/** The request of an operation, as the SDK types it. */
export type InputOf<K extends Operation> = CommandOf<K>['input'];
/** The answer of an operation, as the SDK types it. */
export type OutputOf<K extends Operation> =
  CommandOf<K> extends {
    resolveMiddleware(...args: never[]): (args: never) => Promise<{ output: infer Output }>;
  }
    ? Output
    : never;
