import type { Output, Scenario, Step } from '../types.ts';

const document = (action: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: action, Resource: 'arn:aws:s3:::a-b_c/*' }],
  });

const wellKnown: ReadonlySet<string> = new Set([
  'AdministratorAccess',
  'AWSDenyAll',
  'Billing',
  'IAMUserChangePassword',
]);

/** Where a reference gives documents that AWS does not, one step of its own says so. */
const withoutDocument = (version: unknown): unknown => ({ ...(version as object), Document: undefined });

const arn = '{policyArn}';
const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';

const managedScenario: Scenario = {
  name: 'managed policies',
  steps: [
    {
      name: 'policies: create',
      call: 'iam.CreatePolicy',
      input: {
        PolicyName: 'Reading',
        Path: '/contract/policies/',
        Description: 'Reads a bucket',
        PolicyDocument: document('s3:GetObject'),
        Tags: [{ Key: 'team', Value: 'a' }],
      },
      keep: { policyArn: 'Policy.Arn' },
    },
    {
      name: 'policies: create twice',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Reading', Path: '/contract/policies/', PolicyDocument: document('s3:*') },
    },
    {
      name: 'policies: create malformed',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Bad', PolicyDocument: '{"Version":"2012-10-17"}' },
    },
    {
      name: 'policies: create with a principal',
      call: 'iam.CreatePolicy',
      input: {
        PolicyName: 'Principal',
        PolicyDocument: document('s3:*').replace('"Effect"', '"Principal":"*","Effect"'),
      },
    },
    {
      name: 'policies: create for an action without its service',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Bad', PolicyDocument: document('GetObject') },
    },
    { name: 'policies: get', call: 'iam.GetPolicy', input: { PolicyArn: arn } },
    {
      name: 'policies: get none',
      call: 'iam.GetPolicy',
      input: { PolicyArn: 'arn:aws:iam::123456789012:policy/nothing' },
    },
    {
      name: 'policies: get one of AWS',
      call: 'iam.GetPolicy',
      input: { PolicyArn: denyAll },
      view: (output) => {
        const policy = output['Policy'] as Record<string, unknown>;
        return { PolicyName: policy['PolicyName'], Arn: policy['Arn'], Path: policy['Path'] };
      },
    },
    {
      name: 'policies: list ours',
      call: 'iam.ListPolicies',
      input: { Scope: 'Local', PathPrefix: '/contract/policies/' },
    },
    {
      name: 'policies: list AWS’s',
      call: 'iam.ListPolicies',
      input: { Scope: 'AWS' },
      pages: { list: 'Policies', size: 1000 },
      view: (output) =>
        (output['items'] as { Arn: string; PolicyName: string; Path: string }[])
          .filter(({ PolicyName }) => wellKnown.has(PolicyName))
          .map(({ Arn, PolicyName, Path }) => ({ Arn, PolicyName, Path })),
    },
    { name: 'policies: tags', call: 'iam.ListPolicyTags', input: { PolicyArn: arn } },
    {
      name: 'policies: version 2',
      call: 'iam.CreatePolicyVersion',
      input: { PolicyArn: arn, PolicyDocument: document('s3:Get2'), SetAsDefault: true },
    },
    ...[3, 4, 5, 6].map((version): Step => ({
      name: `policies: version ${version}`,
      call: 'iam.CreatePolicyVersion',
      input: { PolicyArn: arn, PolicyDocument: document(`s3:Get${version}`) },
      view: (output) => withoutDocument(output['PolicyVersion']),
    })),
    {
      name: 'policies: versions',
      call: 'iam.ListPolicyVersions',
      input: { PolicyArn: arn },
      view: (output) => (output['Versions'] as unknown[]).map(withoutDocument),
    },
    {
      name: 'policies: versions carry their documents',
      call: 'iam.ListPolicyVersions',
      input: { PolicyArn: arn },
      view: (output) =>
        (output['Versions'] as { Document?: string }[]).some(({ Document }) => Document !== undefined),
    },
    {
      name: 'policies: a version',
      call: 'iam.GetPolicyVersion',
      input: { PolicyArn: arn, VersionId: 'v2' },
    },
    {
      name: 'policies: no such version',
      call: 'iam.GetPolicyVersion',
      input: { PolicyArn: arn, VersionId: 'v9' },
    },
    {
      name: 'policies: delete the default version',
      call: 'iam.DeletePolicyVersion',
      input: { PolicyArn: arn, VersionId: 'v2' },
    },
    {
      name: 'policies: the form of the id',
      call: 'iam.GetPolicy',
      input: { PolicyArn: arn },
      view: (output) => /^ANPA[A-Z0-9]{17}$/u.test((output['Policy'] as { PolicyId: string }).PolicyId),
    },
    {
      name: 'policies: create a second',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Versioned', PolicyDocument: document('s3:GetObject') },
      keep: { versionedArn: 'Policy.Arn' },
    },
    {
      name: 'policies: version of the second',
      call: 'iam.CreatePolicyVersion',
      input: { PolicyArn: '{versionedArn}', PolicyDocument: document('s3:*') },
      view: (output) => withoutDocument(output['PolicyVersion']),
    },
    {
      name: 'policies: delete with versions',
      call: 'iam.DeletePolicy',
      input: { PolicyArn: '{versionedArn}' },
    },
    ...['v1', 'v3', 'v4'].map((version): Step => ({
      name: `policies: delete ${version}`,
      call: 'iam.DeletePolicyVersion',
      input: { PolicyArn: arn, VersionId: version },
    })),
    {
      name: 'policies: set the default version',
      call: 'iam.SetDefaultPolicyVersion',
      input: { PolicyArn: arn, VersionId: 'v5' },
    },
    { name: 'policies: get with another default', call: 'iam.GetPolicy', input: { PolicyArn: arn } },
    {
      name: 'policies: delete the former default',
      call: 'iam.DeletePolicyVersion',
      input: { PolicyArn: arn, VersionId: 'v2' },
    },
    { name: 'policies: delete', call: 'iam.DeletePolicy', input: { PolicyArn: arn } },
    { name: 'policies: delete again', call: 'iam.DeletePolicy', input: { PolicyArn: arn } },
  ],
};

const ofUser = { UserName: 'holder', PolicyArn: arn };
const ofGroup = { GroupName: 'holders', PolicyArn: arn };

const attachmentScenario: Scenario = {
  name: 'attached policies',
  steps: [
    { name: 'attachments: create a user', call: 'iam.CreateUser', input: { UserName: 'holder' } },
    { name: 'attachments: create a group', call: 'iam.CreateGroup', input: { GroupName: 'holders' } },
    {
      name: 'attachments: create a policy',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Attached', PolicyDocument: document('s3:GetObject') },
      keep: { policyArn: 'Policy.Arn' },
    },
    { name: 'attachments: to the user', call: 'iam.AttachUserPolicy', input: ofUser },
    { name: 'attachments: to the user twice', call: 'iam.AttachUserPolicy', input: ofUser },
    {
      name: 'attachments: one of AWS',
      call: 'iam.AttachUserPolicy',
      input: { ...ofUser, PolicyArn: denyAll },
    },
    {
      name: 'attachments: none',
      call: 'iam.AttachUserPolicy',
      input: { ...ofUser, PolicyArn: 'arn:aws:iam::123456789012:policy/nothing' },
    },
    {
      name: 'attachments: to nobody',
      call: 'iam.AttachUserPolicy',
      input: { ...ofUser, UserName: 'nobody' },
    },
    { name: 'attachments: to the group', call: 'iam.AttachGroupPolicy', input: ofGroup },
    {
      name: 'attachments: of the user',
      call: 'iam.ListAttachedUserPolicies',
      input: { UserName: 'holder' },
    },
    {
      name: 'attachments: of the group',
      call: 'iam.ListAttachedGroupPolicies',
      input: { GroupName: 'holders' },
    },
    {
      name: 'attachments: of the policy',
      call: 'iam.ListEntitiesForPolicy',
      input: { PolicyArn: arn },
    },
    { name: 'attachments: counted', call: 'iam.GetPolicy', input: { PolicyArn: arn } },
    {
      name: 'attachments: create another policy',
      call: 'iam.CreatePolicy',
      input: { PolicyName: 'Needed', PolicyDocument: document('s3:GetObject') },
      keep: { neededArn: 'Policy.Arn' },
    },
    {
      name: 'attachments: the other to the group',
      call: 'iam.AttachGroupPolicy',
      input: { ...ofGroup, PolicyArn: '{neededArn}' },
    },
    {
      name: 'attachments: delete an attached policy',
      call: 'iam.DeletePolicy',
      input: { PolicyArn: '{neededArn}' },
    },
    { name: 'attachments: from the user', call: 'iam.DetachUserPolicy', input: ofUser },
    { name: 'attachments: from the user twice', call: 'iam.DetachUserPolicy', input: ofUser },
    { name: 'attachments: from the group', call: 'iam.DetachGroupPolicy', input: ofGroup },
    {
      name: 'attachments: of the user at the end',
      call: 'iam.ListAttachedUserPolicies',
      input: { UserName: 'holder' },
    },
    { name: 'attachments: delete the policy', call: 'iam.DeletePolicy', input: { PolicyArn: arn } },
    ...[
      'job-function/Billing',
      'AmazonS3FullAccess',
      'ReadOnlyAccess',
      'IAMReadOnlyAccess',
      'SecurityAudit',
      'AmazonS3ReadOnlyAccess',
      'IAMUserChangePassword',
      'PowerUserAccess',
      'IAMFullAccess',
      'AdministratorAccess',
    ].map((policy, index): Step => ({
      name: `attachments: policy ${index + 2} of the user`,
      call: 'iam.AttachUserPolicy',
      input: { UserName: 'holder', PolicyArn: `arn:aws:iam::aws:policy/${policy}` },
    })),
  ],
};

const inline = { UserName: 'inliner', PolicyName: 'Own' };
const names = (output: Output): unknown => output['PolicyNames'];

const inlineScenario: Scenario = {
  name: 'inline policies',
  steps: [
    { name: 'inline: create a user', call: 'iam.CreateUser', input: { UserName: 'inliner' } },
    { name: 'inline: create a group', call: 'iam.CreateGroup', input: { GroupName: 'inliners' } },
    {
      name: 'inline: put',
      call: 'iam.PutUserPolicy',
      input: { ...inline, PolicyDocument: document('s3:GetObject') },
    },
    { name: 'inline: get', call: 'iam.GetUserPolicy', input: inline },
    {
      name: 'inline: put another document',
      call: 'iam.PutUserPolicy',
      input: { ...inline, PolicyDocument: document('s3:*') },
    },
    { name: 'inline: get the other document', call: 'iam.GetUserPolicy', input: inline },
    { name: 'inline: list', call: 'iam.ListUserPolicies', input: { UserName: 'inliner' }, view: names },
    {
      name: 'inline: put malformed',
      call: 'iam.PutUserPolicy',
      input: { ...inline, PolicyDocument: 'no json' },
    },
    { name: 'inline: create another user', call: 'iam.CreateUser', input: { UserName: 'biginliner' } },
    {
      name: 'inline: put above 2048 characters',
      call: 'iam.PutUserPolicy',
      input: {
        UserName: 'biginliner',
        PolicyName: 'Big',
        PolicyDocument: document(`s3:${'x'.repeat(2048)}`),
      },
    },
    {
      name: 'inline: put on nobody',
      call: 'iam.PutUserPolicy',
      input: { ...inline, UserName: 'nobody', PolicyDocument: document('s3:*') },
    },
    { name: 'inline: get none', call: 'iam.GetUserPolicy', input: { ...inline, PolicyName: 'none' } },
    { name: 'inline: delete', call: 'iam.DeleteUserPolicy', input: inline },
    { name: 'inline: delete again', call: 'iam.DeleteUserPolicy', input: inline },
    {
      name: 'inline: list after the deletion',
      call: 'iam.ListUserPolicies',
      input: { UserName: 'inliner' },
    },
    {
      name: 'inline: put on a group',
      call: 'iam.PutGroupPolicy',
      input: { GroupName: 'inliners', PolicyName: 'Own', PolicyDocument: document('s3:*') },
    },
    {
      name: 'inline: get of a group',
      call: 'iam.GetGroupPolicy',
      input: { GroupName: 'inliners', PolicyName: 'Own' },
    },
    {
      name: 'inline: list of a group',
      call: 'iam.ListGroupPolicies',
      input: { GroupName: 'inliners' },
      view: names,
    },
    {
      name: 'inline: delete the group with its policy',
      call: 'iam.DeleteGroup',
      input: { GroupName: 'inliners' },
    },
  ],
};

export const policyScenarios: readonly Scenario[] = [managedScenario, attachmentScenario, inlineScenario];
