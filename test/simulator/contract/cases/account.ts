import type { Output, Scenario } from '../types.ts';

const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
});
const path = '/contract/details/';

const aliasScenario: Scenario = {
  name: 'account alias',
  steps: [
    { name: 'alias: list none', call: 'iam.ListAccountAliases' },
    { name: 'alias: create', call: 'iam.CreateAccountAlias', input: { AccountAlias: 'contract-one' } },
    { name: 'alias: list', call: 'iam.ListAccountAliases' },
    { name: 'alias: replace', call: 'iam.CreateAccountAlias', input: { AccountAlias: 'contract-two' } },
    { name: 'alias: list the new one', call: 'iam.ListAccountAliases' },
    { name: 'alias: delete', call: 'iam.DeleteAccountAlias', input: { AccountAlias: 'contract-two' } },
    { name: 'alias: delete again', call: 'iam.DeleteAccountAlias', input: { AccountAlias: 'contract-two' } },
    {
      name: 'alias: create an illegal one',
      call: 'iam.CreateAccountAlias',
      input: { AccountAlias: 'Not_Legal' },
    },
  ],
};

/** AWS's pages show HardExpiry both as false and as absent where it was not set. */
const withoutHardExpiry = (output: Output): unknown => ({
  ...(output['PasswordPolicy'] as object),
  HardExpiry: undefined,
});

const passwordPolicyScenario: Scenario = {
  name: 'account password policy',
  steps: [
    { name: 'password policy: none', call: 'iam.GetAccountPasswordPolicy' },
    {
      name: 'password policy: set',
      call: 'iam.UpdateAccountPasswordPolicy',
      input: {
        MinimumPasswordLength: 14,
        RequireSymbols: true,
        RequireNumbers: true,
        MaxPasswordAge: 90,
        PasswordReusePrevention: 5,
        AllowUsersToChangePassword: true,
      },
    },
    { name: 'password policy: get', call: 'iam.GetAccountPasswordPolicy', view: withoutHardExpiry },
    { name: 'password policy: set to defaults', call: 'iam.UpdateAccountPasswordPolicy', input: {} },
    {
      name: 'password policy: get the defaults',
      call: 'iam.GetAccountPasswordPolicy',
      view: withoutHardExpiry,
    },
    {
      name: 'password policy: too short',
      call: 'iam.UpdateAccountPasswordPolicy',
      input: { MinimumPasswordLength: 5 },
    },
    { name: 'password policy: delete', call: 'iam.DeleteAccountPasswordPolicy' },
    { name: 'password policy: delete again', call: 'iam.DeleteAccountPasswordPolicy' },
  ],
};

const quotas = [
  'UsersQuota',
  'GroupsQuota',
  'PoliciesQuota',
  'GroupsPerUserQuota',
  'AccessKeysPerUserQuota',
  'AttachedPoliciesPerUserQuota',
  'SigningCertificatesPerUserQuota',
  'UserPolicySizeQuota',
  'PolicySizeQuota',
  'VersionsPerPolicyQuota',
];

const summaryScenario: Scenario = {
  name: 'account summary',
  steps: [
    {
      name: 'summary: quotas',
      call: 'iam.GetAccountSummary',
      view: (output) => {
        const summary = output['SummaryMap'] as Record<string, unknown>;
        return Object.fromEntries(quotas.map((name) => [name, summary[name]]));
      },
    },
    {
      name: 'summary: counted',
      call: 'iam.GetAccountSummary',
      view: (output) => {
        const summary = output['SummaryMap'] as Record<string, number>;
        return Object.fromEntries(
          ['Users', 'Groups', 'Policies', 'MFADevices', 'MFADevicesInUse'].map((name) => [
            name,
            typeof summary[name],
          ]),
        );
      },
    },
  ],
};

const listed =
  (list: string) =>
  (output: Output): unknown =>
    (output[list] as { Path?: string }[]).filter((entry) => entry.Path === path);

const detailsScenario: Scenario = {
  name: 'account authorization details',
  steps: [
    {
      name: 'details: create a policy',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Detail', Path: path, PolicyDocument: document },
      keep: { policyArn: 'Policy.Arn' },
    },
    {
      name: 'details: create a user',
      call: 'iam.CreateUser',
      input: {
        UserName: 'detailed',
        Path: path,
        Tags: [{ Key: 'team', Value: 'a' }],
      },
    },
    { name: 'details: create a group', call: 'iam.CreateGroup', input: { GroupName: 'details', Path: path } },
    {
      name: 'details: join the group',
      call: 'iam.AddUserToGroup',
      input: { UserName: 'detailed', GroupName: 'details' },
    },
    {
      name: 'details: attach to the user',
      call: 'iam.AttachUserPolicy',
      input: { UserName: 'detailed', PolicyArn: '{policyArn}' },
    },
    {
      name: 'details: attach to the group',
      call: 'iam.AttachGroupPolicy',
      input: { GroupName: 'details', PolicyArn: '{policyArn}' },
    },
    {
      name: 'details: inline of the user',
      call: 'iam.PutUserPolicy',
      input: { UserName: 'detailed', PolicyName: 'Own', PolicyDocument: document },
    },
    {
      name: 'details: inline of the group',
      call: 'iam.PutGroupPolicy',
      input: { GroupName: 'details', PolicyName: 'Theirs', PolicyDocument: document },
    },
    {
      name: 'details: users',
      call: 'iam.GetAccountAuthorizationDetails',
      input: { Filter: ['User'], MaxItems: 1000 },
      view: listed('UserDetailList'),
    },
    {
      name: 'details: groups',
      call: 'iam.GetAccountAuthorizationDetails',
      input: { Filter: ['Group'], MaxItems: 1000 },
      view: listed('GroupDetailList'),
    },
    {
      name: 'details: policies',
      call: 'iam.GetAccountAuthorizationDetails',
      input: { Filter: ['LocalManagedPolicy'], MaxItems: 1000 },
      view: listed('Policies'),
    },
    {
      name: 'details: the filter keeps the others out',
      call: 'iam.GetAccountAuthorizationDetails',
      input: { Filter: ['Group'], MaxItems: 1000 },
      view: (output) => [output['UserDetailList'], output['Policies']].flat(),
    },
    {
      name: 'details: an unknown filter',
      call: 'iam.GetAccountAuthorizationDetails',
      input: { Filter: ['Everything'] },
    },
  ],
};

export const accountScenarios: readonly Scenario[] = [
  aliasScenario,
  passwordPolicyScenario,
  summaryScenario,
  detailsScenario,
];
