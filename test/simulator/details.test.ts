import { describe, expect, test } from '@jest/globals';
import { ALLOW_ALL, bench, code, manualClock, policyDocument } from './harness.ts';
import { CERTIFICATES } from './index.ts';

const READ_ONLY = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const DOCUMENT = policyDocument({
  Sid: 'X',
  Effect: 'Allow',
  Action: 's3:Get*',
  Resource: "arn:aws:s3:::b'(u)!cket/ü *",
});

test('GetAccountAuthorizationDetails carries what AWS sends, documents percent-encoded', async () => {
  const { iam, account } = await bench();
  const { Policy } = await iam.createPolicy({ PolicyName: 'm', PolicyDocument: ALLOW_ALL });
  const PermissionsBoundary = Policy?.Arn;
  await iam.createUser({ UserName: 'u', Path: '/p/', PermissionsBoundary, Tags: [{ Key: 'k', Value: 'v' }] });
  await iam.createGroup({ GroupName: 'G' });
  await iam.addUserToGroup({ GroupName: 'g', UserName: 'u' });
  await iam.putUserPolicy({ UserName: 'u', PolicyName: 'i', PolicyDocument: DOCUMENT });
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn: READ_ONLY });
  await iam.putGroupPolicy({ GroupName: 'G', PolicyName: 'gi', PolicyDocument: DOCUMENT });
  await iam.createLoginProfile({ UserName: 'u', Password: 'Correct-horse-1' });
  const all = await iam.getAccountAuthorizationDetails({});
  const user = all.UserDetailList?.find(({ UserName }) => UserName === 'u');
  expect(user).toMatchObject({
    Path: '/p/',
    Arn: `arn:aws:iam::${account}:user/p/u`,
    UserId: expect.stringMatching(/^AIDA/),
    CreateDate: expect.any(Date),
    GroupList: ['G'],
    AttachedManagedPolicies: [{ PolicyName: 'ReadOnlyAccess', PolicyArn: READ_ONLY }],
    PermissionsBoundary: { PermissionsBoundaryArn: PermissionsBoundary },
    Tags: [{ Key: 'k', Value: 'v' }],
  });
  const encoded = user?.UserPolicyList?.[0]?.PolicyDocument ?? '';
  expect(encoded).toMatch(/^[A-Za-z0-9%._~-]+$/);
  expect(decodeURIComponent(encoded)).toBe(DOCUMENT);
  expect(all.GroupDetailList).toHaveLength(1);
  expect(decodeURIComponent(all.GroupDetailList?.[0]?.GroupPolicyList?.[0]?.PolicyDocument ?? '')).toBe(
    DOCUMENT,
  );
  // AWS-managed policies only if something is attached to them.
  expect(all.Policies?.map(({ PolicyName }) => PolicyName).sort()).toEqual([
    'AdministratorAccess',
    'ReadOnlyAccess',
    'm',
  ]);
  const local = await iam.getAccountAuthorizationDetails({ Filter: ['LocalManagedPolicy'] });
  expect(local).toMatchObject({
    UserDetailList: [],
    GroupDetailList: [],
    Policies: [
      {
        PolicyName: 'm',
        PermissionsBoundaryUsageCount: 1,
        AttachmentCount: 0,
        PolicyVersionList: [
          {
            VersionId: 'v1',
            IsDefaultVersion: true,
            Document: encodeURIComponent(ALLOW_ALL).replaceAll('*', '%2A'),
          },
        ],
      },
    ],
  });
  const users = await iam.getAccountAuthorizationDetails({ Filter: ['User'] });
  expect([users.UserDetailList?.length, users.GroupDetailList, users.Policies]).toEqual([2, [], []]);
});

test('documents are percent-encoded in every place that reads one back', async () => {
  const { iam } = await bench();
  await iam.createUser({ UserName: 'u' });
  await iam.createGroup({ GroupName: 'g' });
  const inline = { PolicyName: 'i', PolicyDocument: DOCUMENT };
  await iam.putUserPolicy({ UserName: 'u', ...inline });
  await iam.putGroupPolicy({ GroupName: 'g', ...inline });
  const { Policy } = await iam.createPolicy({ PolicyName: 'm', PolicyDocument: DOCUMENT });
  const read = [
    (await iam.getUserPolicy({ UserName: 'u', PolicyName: 'i' })).PolicyDocument,
    (await iam.getGroupPolicy({ GroupName: 'g', PolicyName: 'i' })).PolicyDocument,
    (await iam.getPolicyVersion({ PolicyArn: Policy?.Arn, VersionId: 'v1' })).PolicyVersion?.Document,
  ];
  for (const document of read) {
    expect(document).toMatch(/^%7B/);
    expect(decodeURIComponent(document ?? '')).toBe(DOCUMENT);
  }
});

test('a document that is none is refused', async () => {
  const { iam } = await bench();
  await iam.createUser({ UserName: 'u' });
  for (const PolicyDocument of [
    '{}',
    'nonsense',
    policyDocument({ Effect: 'Maybe', Action: '*', Resource: '*' }),
  ]) {
    expect(await code(iam.putUserPolicy({ UserName: 'u', PolicyName: 'p', PolicyDocument }))).toBe(
      'MalformedPolicyDocumentException',
    );
    expect(await code(iam.createPolicy({ PolicyName: 'p', PolicyDocument }))).toBe(
      'MalformedPolicyDocumentException',
    );
  }
});

describe('managed policies', () => {
  test('the AWS-managed catalogue is there in every partition, under its ARNs', async () => {
    const { simulator, as } = await bench({
      accounts: [{}, { partition: 'aws-us-gov' }, { partition: 'aws-cn' }],
    });
    for (const account of simulator.accounts) {
      const { iam } = as(account);
      const { Policies = [] } = await iam.listPolicies({ Scope: 'AWS', MaxItems: 1000 });
      const arns = Policies.map(({ Arn }) => Arn);
      for (const name of [
        'AdministratorAccess',
        'AWSDenyAll',
        'IAMFullAccess',
        'IAMUserChangePassword',
        'ReadOnlyAccess',
        'PowerUserAccess',
        'IAMReadOnlyAccess',
        'job-function/ViewOnlyAccess',
        'service-role/AWSLambdaBasicExecutionRole',
      ]) {
        expect(arns).toContain(`arn:${account.partition}:iam::aws:policy/${name}`);
      }
      const { Policies: jobs } = await iam.listPolicies({ Scope: 'AWS', PathPrefix: '/job-function/' });
      expect(jobs?.every(({ Path }) => Path === '/job-function/')).toBe(true);
    }
  });

  test('who a policy is attached to, and which are attached', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u', PermissionsBoundary: READ_ONLY });
    await iam.createUser({ UserName: 'v' });
    await iam.createGroup({ GroupName: 'g' });
    await iam.attachUserPolicy({ UserName: 'v', PolicyArn: READ_ONLY });
    await iam.attachGroupPolicy({ GroupName: 'g', PolicyArn: READ_ONLY });
    const entities = async (PolicyUsageFilter?: 'PermissionsPolicy' | 'PermissionsBoundary') => {
      const found = await iam.listEntitiesForPolicy({
        PolicyArn: READ_ONLY,
        ...(PolicyUsageFilter === undefined ? {} : { PolicyUsageFilter }),
      });
      return [
        found.PolicyUsers?.map(({ UserName }) => UserName),
        found.PolicyGroups?.map(({ GroupName }) => GroupName),
      ];
    };
    expect(await entities()).toEqual([['u', 'v'], ['g']]);
    expect(await entities('PermissionsPolicy')).toEqual([['v'], ['g']]);
    expect(await entities('PermissionsBoundary')).toEqual([['u'], []]);
    const { Policies } = await iam.listPolicies({ OnlyAttached: true });
    expect(Policies?.map(({ PolicyName, AttachmentCount }) => [PolicyName, AttachmentCount])).toEqual([
      ['AdministratorAccess', 1],
      ['ReadOnlyAccess', 2],
    ]);
    await iam.attachUserPolicy({ UserName: 'v', PolicyArn: READ_ONLY });
    await iam.detachUserPolicy({ UserName: 'v', PolicyArn: READ_ONLY });
    expect(await code(iam.detachUserPolicy({ UserName: 'v', PolicyArn: READ_ONLY }))).toBe(
      'NoSuchEntityException',
    );
    expect(await code(iam.attachUserPolicy({ UserName: 'v', PolicyArn: `${READ_ONLY}X` }))).toBe(
      'NoSuchEntityException',
    );
    expect(await code(iam.deletePolicy({ PolicyArn: READ_ONLY }))).toBe('AccessDenied');
  });
});

test('the credential report has the columns of AWS, an age of four hours, and lags behind', async () => {
  const clock = manualClock(Date.UTC(2026, 2, 1, 12));
  const { iam, account, control } = await bench({ now: clock.now, credentialReportMs: 3_000 });
  expect(await code(iam.getCredentialReport({}))).toBe('CredentialReportNotPresentException');
  await iam.createUser({ UserName: 'u' });
  await iam.createLoginProfile({ UserName: 'u', Password: 'Correct-horse-1' });
  await control.signIn('u', 'Correct-horse-1');
  const { AccessKey } = await iam.createAccessKey({ UserName: 'u' });
  await iam.updateAccessKey({ UserName: 'u', AccessKeyId: AccessKey?.AccessKeyId, Status: 'Inactive' });
  await iam.uploadSigningCertificate({ UserName: 'u', CertificateBody: CERTIFICATES[0] });
  expect((await iam.generateCredentialReport({})).State).toBe('STARTED');
  expect((await iam.generateCredentialReport({})).State).toBe('INPROGRESS');
  expect(await code(iam.getCredentialReport({}))).toBe('CredentialReportNotReadyException');
  clock.advance(3_000);
  expect((await iam.generateCredentialReport({})).State).toBe('COMPLETE');
  const report = await iam.getCredentialReport({});
  const [header = '', root, ...rows] = Buffer.from(report.Content ?? [])
    .toString()
    .split('\n');
  expect(root).toMatch(/^<root_account>,/);
  const columns = header.split(',');
  const fields = rows.find((row) => row.startsWith('u,'))?.split(',') ?? [];
  expect(Object.fromEntries(columns.map((column, index) => [column, fields[index]]))).toMatchObject({
    arn: `arn:aws:iam::${account}:user/u`,
    user_creation_time: '2026-03-01T12:00:00+00:00',
    password_enabled: 'true',
    password_last_used: '2026-03-01T12:00:00+00:00',
    mfa_active: 'false',
    access_key_1_active: 'false',
    access_key_1_last_rotated: '2026-03-01T12:00:00+00:00',
    access_key_1_last_used_date: 'N/A',
    access_key_2_active: 'false',
    cert_1_active: 'true',
    cert_2_active: 'false',
  });
  await iam.createUser({ UserName: 'later' });
  expect((await iam.generateCredentialReport({})).State).toBe('COMPLETE');
  expect(Buffer.from((await iam.getCredentialReport({})).Content ?? []).toString()).not.toContain('later');
  clock.advance(4 * 3_600_000);
  expect(await code(iam.getCredentialReport({}))).toBe('CredentialReportExpiredException');
  expect((await iam.generateCredentialReport({})).State).toBe('STARTED');
  clock.advance(3_000);
  expect(Buffer.from((await iam.getCredentialReport({})).Content ?? []).toString()).toContain('later');
});
