import type { Output, Scenario } from '../types.ts';

const trust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::123456789012:root' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': 'secret-of-us' } },
    },
  ],
});

const assume = { RoleArn: '{roleArn}', RoleSessionName: 'session-1', ExternalId: 'secret-of-us' };

const stsScenario: Scenario = {
  name: 'STS',
  steps: [
    {
      name: 'sts: who am I',
      call: 'sts.GetCallerIdentity',
      view: (output) => ({
        Account: output['Account'],
        partition: String(output['Arn']).split(':').slice(0, 2).join(':'),
      }),
    },
    {
      name: 'sts: create a role',
      call: 'iam.CreateRole',
      input: { RoleName: 'assumed', AssumeRolePolicyDocument: trust },
      keep: { roleArn: 'Role.Arn' },
    },
    { name: 'sts: get the role', call: 'iam.GetRole', input: { RoleName: 'assumed' } },
    {
      name: 'sts: assume it',
      call: 'sts.AssumeRole',
      input: assume,
      // Without session policy and tags AWS's pages do not say whether PackedPolicySize is there.
      view: ({ AssumedRoleUser, Credentials }) => ({ AssumedRoleUser, Credentials }),
    },
    {
      name: 'sts: assume it with another external id',
      call: 'sts.AssumeRole',
      input: { ...assume, ExternalId: 'a-guess' },
    },
    {
      name: 'sts: assume what is not',
      call: 'sts.AssumeRole',
      input: { ...assume, RoleArn: 'arn:aws:iam::123456789012:role/nothing' },
    },
    {
      name: 'sts: assume it for a minute',
      call: 'sts.AssumeRole',
      input: { ...assume, DurationSeconds: 60 },
    },
  ],
};

/** Members' names and addresses; the management account's differ. */
const members = (output: Output): unknown =>
  (output['Accounts'] as { Id: string; Name?: string; Email?: string; Status?: string }[])
    .filter((account) => account.Id !== '123456789012')
    .map(({ Id, Name, Email, Status }) => ({ Id, Name, Email, Status }));

const organizationScenario: Scenario = {
  name: 'Organizations',
  steps: [
    {
      name: 'organizations: describe',
      call: 'organizations.DescribeOrganization',
      view: (output) => {
        const organization = output['Organization'] as Record<string, unknown>;
        return {
          Id: organization['Id'],
          MasterAccountId: organization['MasterAccountId'],
          FeatureSet: organization['FeatureSet'],
          Arn: organization['Arn'],
        };
      },
    },
    { name: 'organizations: accounts', call: 'organizations.ListAccounts', view: members },
    {
      name: 'organizations: an account',
      call: 'organizations.DescribeAccount',
      input: { AccountId: '{payroll}' },
      view: (output) => members({ Accounts: [output['Account']] }),
    },
    {
      name: 'organizations: no account',
      call: 'organizations.DescribeAccount',
      input: { AccountId: '999999999999' },
    },
    {
      name: 'organizations: an illegal account',
      call: 'organizations.DescribeAccount',
      input: { AccountId: 'payroll' },
    },
    {
      name: 'organizations: parent in a unit',
      call: 'organizations.ListParents',
      input: { ChildId: '{payroll}' },
    },
    {
      name: 'organizations: parent at the root',
      call: 'organizations.ListParents',
      input: { ChildId: '{research}' },
    },
    {
      name: 'organizations: accounts of the unit',
      call: 'organizations.ListAccountsForParent',
      input: { ParentId: '{unit}' },
      view: members,
    },
    {
      name: 'organizations: accounts of the root',
      call: 'organizations.ListAccountsForParent',
      input: { ParentId: '{root}' },
      view: members,
    },
    {
      name: 'organizations: children of the unit',
      call: 'organizations.ListChildren',
      input: { ParentId: '{unit}', ChildType: 'ACCOUNT' },
    },
    {
      name: 'organizations: units of the root',
      call: 'organizations.ListChildren',
      input: { ParentId: '{root}', ChildType: 'ORGANIZATIONAL_UNIT' },
    },
    {
      name: 'organizations: policies of the unit',
      call: 'organizations.ListPoliciesForTarget',
      input: { TargetId: '{unit}', Filter: 'SERVICE_CONTROL_POLICY' },
      view: (output) =>
        (output['Policies'] as { Name?: string; Type?: string; AwsManaged?: boolean }[]).map(
          ({ Name, Type, AwsManaged }) => ({ Name, Type, AwsManaged }),
        ),
    },
  ],
};

const eventNames = (output: Output): unknown =>
  (output['Events'] as { EventName?: string; EventSource?: string; ReadOnly?: string }[]).map(
    ({ EventName, EventSource, ReadOnly }) => ({ EventName, EventSource, ReadOnly }),
  );

/** The newest event, and what its record says that does not depend on who calls from where. */
const newest = (output: Output): unknown =>
  (
    output['Events'] as {
      EventSource?: string;
      EventTime?: Date;
      ReadOnly?: string;
      CloudTrailEvent?: string;
    }[]
  )
    .slice(0, 1)
    .map(({ EventSource, EventTime, ReadOnly, CloudTrailEvent }) => {
      const record = JSON.parse(CloudTrailEvent ?? '{}') as Record<string, unknown>;
      const { eventSource, eventType, awsRegion, readOnly, recipientAccountId } = record;
      const { type } = record['userIdentity'] as { type?: string };
      return {
        EventSource,
        EventTime,
        ReadOnly,
        record: { eventSource, eventType, awsRegion, readOnly, recipientAccountId, userIdentityType: type },
      };
    });

const looked = (...attributes: readonly (readonly [string, string])[]): Record<string, unknown> => ({
  LookupAttributes: attributes.map(([AttributeKey, AttributeValue]) => ({ AttributeKey, AttributeValue })),
});

const aPage = (): unknown => 'a page';

/** The trail holds every earlier scenario's calls, so the look-ups name what only this one did. */
export const cloudTrailScenario: Scenario = {
  name: 'CloudTrail',
  steps: [
    {
      name: 'trail: change the password policy',
      call: 'iam.UpdateAccountPasswordPolicy',
      input: { MinimumPasswordLength: 12 },
    },
    { name: 'trail: delete the password policy', call: 'iam.DeleteAccountPasswordPolicy' },
    {
      name: 'trail: by event name',
      call: 'cloudtrail.LookupEvents',
      input: looked(['EventName', 'DeleteAccountPasswordPolicy']),
      view: eventNames,
      withinMs: 2000,
    },
    {
      name: 'trail: the newest of a source',
      call: 'cloudtrail.LookupEvents',
      input: { ...looked(['EventSource', 'iam.amazonaws.com']), MaxResults: 1 },
      view: newest,
      withinMs: 2000,
    },
    {
      name: 'trail: one a page',
      call: 'cloudtrail.LookupEvents',
      input: { ...looked(['EventSource', 'iam.amazonaws.com']), MaxResults: 1 },
      view: (output) => ({ events: (output['Events'] as unknown[]).length, NextToken: output['NextToken'] }),
    },
    {
      name: 'trail: by an event that never was',
      call: 'cloudtrail.LookupEvents',
      input: looked(['EventName', 'DeleteServerCertificate']),
      view: eventNames,
    },
    {
      name: 'trail: above 50 a page',
      call: 'cloudtrail.LookupEvents',
      input: { MaxResults: 51 },
      view: aPage,
    },
    {
      name: 'trail: by two attributes',
      call: 'cloudtrail.LookupEvents',
      input: looked(['EventName', 'CreateUser'], ['Username', 'jo']),
      view: aPage,
    },
    {
      name: 'trail: by an unknown attribute',
      call: 'cloudtrail.LookupEvents',
      input: looked(['Color', 'red']),
      view: aPage,
    },
    {
      name: 'trail: a token that never was',
      call: 'cloudtrail.LookupEvents',
      input: { NextToken: 'never-was' },
      view: aPage,
    },
  ],
};

export const otherScenarios: readonly Scenario[] = [stsScenario, organizationScenario];
