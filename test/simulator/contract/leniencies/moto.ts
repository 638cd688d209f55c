import {
  alreadyExists,
  deleteConflict,
  iamApi,
  iamGuide,
  limitExceeded,
  noSuchEntity,
  organizationsApi,
  settledBy,
  stsApi,
  succeeds,
  validationError,
  type Leniency,
} from './leniency.ts';

const notImplemented = 'Error 500';

const boundary = (policy: string): Readonly<Record<string, readonly [unknown, unknown]>> => ({
  'result.User.PermissionsBoundary': [
    undefined,
    { PermissionsBoundaryArn: `arn:aws:iam::aws:policy/${policy}`, PermissionsBoundaryType: 'Policy' },
  ],
});

const document = (action: string): string =>
  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"${action}","Resource":"arn:aws:s3:::a-b_c/*"}]}`;

const boundaryCount = { 'result.Policy.PermissionsBoundaryUsageCount': [undefined, 0] } as const;
const onlyAtCreation = (device: string): Readonly<Record<string, readonly [unknown, unknown]>> => ({
  [`${device}.Base32StringSeed`]: ['<bytes>', undefined],
  [`${device}.QRCodePNG`]: ['<bytes>', undefined],
});

const users: readonly Leniency[] = [
  ...settledBy(iamGuide('reference_iam-quotas'), {
    'users: create twice in another case': [succeeds, alreadyExists],
    'users: get in another case': [noSuchEntity, succeeds],
    'users: rename to the own name in another case': [succeeds, alreadyExists],
    'groups: create twice in another case': [succeeds, alreadyExists],
    'group quota: join group 11': [succeeds, limitExceeded],
    'attachments: policy 11 of the user': [succeeds, limitExceeded],
    'inline: put above 2048 characters': [succeeds, limitExceeded],
  }),
  ...settledBy(iamApi('CreateUser'), {
    'users: create with a space': [succeeds, validationError],
    'users: create with 65 characters': [succeeds, validationError],
    'users: create with an open path': [succeeds, validationError],
    'users: create with 51 tags': [succeeds, validationError],
  }),
  ...settledBy(iamApi('UpdateUser'), { 'users: rename to a taken name': [succeeds, alreadyExists] }),
  ...settledBy(iamApi('ListUsers'), {
    'users: list with MaxItems 0': [succeeds, validationError],
    'paging: more than 1000': [succeeds, validationError],
    'paging: a marker that never was': [succeeds, validationError],
  }),
  ...settledBy(
    iamGuide('reference_identifiers'),
    {},
    {
      'users: the form of the id': { result: [false, true] },
      'groups: the form of the id': { result: [false, true] },
      'policies: the form of the id': { result: [false, true] },
    },
  ),
  ...settledBy(iamApi('Tag'), {
    'users: create with an apostrophe in a tag': [succeeds, validationError],
    'tags: a value of 257 characters': [succeeds, validationError],
    'tags: an empty key': [succeeds, validationError],
  }),
  ...settledBy(iamApi('TagUser'), { 'tags: one above 50': [succeeds, limitExceeded] }),
  ...settledBy(
    iamGuide('id_tags'),
    {
      'users: create with one tag in two cases': [succeeds, 'InvalidInputException 400'],
      'tags: a key of AWS': [succeeds, 'InvalidInputException 400'],
    },
    {
      'tags: list after the change of case': {
        'result.Tags': [
          [
            { Key: 'TEAM', Value: 'c' },
            { Key: 'cost', Value: '1' },
            { Key: 'team', Value: 'b' },
          ],
          [
            { Key: 'TEAM', Value: 'c' },
            { Key: 'cost', Value: '1' },
          ],
        ],
      },
      'tags: list at the end': {
        'result.Tags': [
          [
            { Key: 'TEAM', Value: 'c' },
            { Key: 'team', Value: 'b' },
          ],
          undefined,
        ],
      },
    },
  ),
  ...settledBy(
    iamApi('AttachedPermissionsBoundary'),
    {},
    {
      'boundaries: create a user with one': boundary('ReadOnlyAccess'),
      'boundaries: get': boundary('ReadOnlyAccess'),
      'boundaries: get the new one': boundary('AdministratorAccess'),
    },
  ),
  ...settledBy(iamApi('PutUserPermissionsBoundary'), {
    'boundaries: put': [notImplemented, succeeds],
    'boundaries: put on nobody': [notImplemented, noSuchEntity],
  }),
  ...settledBy(iamApi('DeleteUserPermissionsBoundary'), {
    'boundaries: delete': [notImplemented, succeeds],
  }),
];

const groups: readonly Leniency[] = [
  ...settledBy(iamApi('CreateGroup'), {
    'groups: create with a space': [succeeds, validationError],
    'groups: create with 129 characters': [succeeds, validationError],
  }),
  ...settledBy(iamApi('DeleteGroup'), {
    'groups: delete with a user': [succeeds, deleteConflict],
    'inline: delete the group with its policy': [succeeds, deleteConflict],
  }),
  // No page of AWS says it: somebody tried, and neither a second addition nor a second removal is an error.
  ...settledBy('https://github.com/cloud-custodian/cloud-custodian/pull/4730', {
    'groups: remove the user again': [noSuchEntity, succeeds],
  }),
  ...settledBy(
    iamApi('ListGroups'),
    {},
    { 'groups: list under a path nothing else': { result: [true, false] } },
  ),
  ...settledBy(iamApi('ListUsers'), {}, { 'paging: users': { 'result.pageSizes': ['7', '3 3 1'] } }),
  ...settledBy(iamApi('GetGroup'), {}, { 'paging: users of a group': { 'result.pageSizes': ['4', '3 1'] } }),
  ...settledBy(
    iamApi('ListGroupsForUser'),
    {},
    { 'paging: groups of a user': { 'result.pageSizes': ['7', '3 3 1'] } },
  ),
];

const policies: readonly Leniency[] = [
  ...settledBy(
    iamApi('Policy'),
    {},
    {
      'policies: create': boundaryCount,
      'policies: get': boundaryCount,
      'policies: list ours': { 'result.Policies.0.PermissionsBoundaryUsageCount': [undefined, 0] },
      'policies: create a second': boundaryCount,
      'policies: get with another default': boundaryCount,
      'attachments: create a policy': boundaryCount,
      'attachments: create another policy': boundaryCount,
      'attachments: counted': { ...boundaryCount, 'result.Policy.AttachmentCount': [3, 2] },
      'details: create a policy': boundaryCount,
    },
  ),
  ...settledBy(
    iamApi('ManagedPolicyDetail'),
    {},
    {
      'details: policies': {
        'result.0.Description': ['', undefined],
        'result.0.PermissionsBoundaryUsageCount': [undefined, 0],
        'result.0.PolicyId': [undefined, '<PolicyId>'],
        'result.0.PolicyName': [undefined, 'Detail'],
      },
    },
  ),
  // An identity policy has no principal.
  ...settledBy(iamGuide('reference_policies_elements_principal'), {
    'policies: create with a principal': [succeeds, 'MalformedPolicyDocumentException 400'],
  }),
  // Documents come with GetPolicyVersion and the account's details only, and percent-encoded.
  ...settledBy(
    iamApi('PolicyVersion'),
    {},
    {
      'policies: version 2': { 'result.PolicyVersion.Document': [document('s3:Get2'), undefined] },
      'policies: versions carry their documents': { result: [true, false] },
      'policies: a version': {
        'result.PolicyVersion.Document': [document('s3:Get2'), `percent-encoded ${document('s3:Get2')}`],
      },
    },
  ),
  ...settledBy(iamApi('DeletePolicy'), {
    'policies: delete with versions': [succeeds, deleteConflict],
    'attachments: delete an attached policy': [succeeds, deleteConflict],
  }),
];

const credentials: readonly Leniency[] = [
  ...settledBy(
    iamApi('CreateLoginProfile'),
    { 'login: create with a weak password': [succeeds, 'PasswordPolicyViolationException 400'] },
    {
      'login: create': { 'result.LoginProfile.PasswordResetRequired': [false, true] },
      'login: get': { 'result.LoginProfile.PasswordResetRequired': [false, true] },
    },
  ),
  ...settledBy(iamApi('UpdateAccessKey'), { 'keys: switch to nonsense': [succeeds, validationError] }),
  ...settledBy(
    iamApi('ListVirtualMFADevices'),
    {},
    {
      'mfa: unassigned': onlyAtCreation('result.VirtualMFADevices.0'),
      'mfa: assigned': onlyAtCreation('result.VirtualMFADevices.0'),
    },
  ),
  ...settledBy(iamApi('DeleteVirtualMFADevice'), {
    'mfa: delete while in use': [succeeds, deleteConflict],
  }),
  ...settledBy(iamApi('UploadSSHPublicKey'), {
    'ssh: upload nonsense': [succeeds, 'InvalidPublicKeyException 400'],
  }),
  ...settledBy(iamApi('CreateServiceSpecificCredential'), {
    'conflict: give a service-specific credential, call 1': [notImplemented, succeeds],
  }),
  ...settledBy(iamApi('DeleteUser'), {
    'conflict: delete the owner of an access key': [succeeds, deleteConflict],
    'conflict: delete the owner of a login profile': [succeeds, deleteConflict],
    'conflict: delete the owner of an SSH key': [succeeds, deleteConflict],
    'conflict: delete the owner of a signing certificate': [succeeds, deleteConflict],
    'conflict: delete the owner of a service-specific credential': [succeeds, deleteConflict],
    'conflict: delete the owner of an MFA device': [succeeds, deleteConflict],
    'conflict: delete the owner of a group': [succeeds, deleteConflict],
  }),
];

const account: readonly Leniency[] = [
  ...settledBy(iamApi('DeleteAccountAlias'), { 'alias: delete again': [succeeds, noSuchEntity] }),
  ...settledBy(iamApi('CreateAccountAlias'), {
    'alias: create an illegal one': [succeeds, validationError],
  }),
  // A MaxPasswordAge is at least 1: there is none without a policy on age.
  ...settledBy(
    iamApi('PasswordPolicy'),
    {},
    { 'password policy: get the defaults': { 'result.MaxPasswordAge': [0, undefined] } },
  ),
  ...settledBy(iamApi('UpdateAccountPasswordPolicy'), {
    'password policy: too short': [succeeds, validationError],
  }),
  ...settledBy(iamApi('GetAccountAuthorizationDetails'), {
    'details: an unknown filter': [succeeds, validationError],
  }),
  // moto evaluates no trust policy.
  ...settledBy(iamGuide('id_roles_common-scenarios_third-party'), {
    'sts: assume it with another external id': [succeeds, 'AccessDenied 403'],
  }),
  ...settledBy(stsApi('AssumeRole'), {
    'sts: assume what is not': [succeeds, 'AccessDenied 403'],
    'sts: assume it for a minute': [succeeds, validationError],
  }),
  ...settledBy(organizationsApi('DescribeAccount'), {
    'organizations: an illegal account': ['AccountNotFoundException 400', 'InvalidInputException 400'],
  }),
];

/** moto 5.2.5, by what the cases are about. */
export const motoLeniencies: readonly Leniency[] = [
  ...users,
  ...groups,
  ...policies,
  ...credentials,
  ...account,
];
