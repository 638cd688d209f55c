import { describe, expect, test } from '@jest/globals';
import { bench, code, manualClock, policyDocument, type Bench, type Clients } from './harness.ts';

interface Temporary {
  readonly AccessKeyId?: string | undefined;
  readonly SecretAccessKey?: string | undefined;
  readonly SessionToken?: string | undefined;
}

const clientsOf = ({ as }: Bench, credentials: Temporary | undefined): Clients =>
  as({
    accessKeyId: credentials?.AccessKeyId ?? '',
    secretAccessKey: credentials?.SecretAccessKey ?? '',
    sessionToken: credentials?.SessionToken ?? '',
  });

const trust = (principal: object, condition?: object): string =>
  policyDocument({
    Effect: 'Allow',
    Principal: principal,
    Action: ['sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity'],
    ...(condition === undefined ? {} : { Condition: condition }),
  });

test('GetCallerIdentity gives account, partition and caller, and needs no permission', async () => {
  const { simulator, as } = await bench({
    enforcePolicies: true,
    accounts: [{}, { partition: 'aws-cn' }],
  });
  const [, china] = simulator.accounts;
  const { iam, sts } = as(china ?? { accessKeyId: '', secretAccessKey: '' });
  expect(await sts.getCallerIdentity({})).toMatchObject({
    Account: china?.id,
    Arn: `arn:aws-cn:iam::${china?.id}:user/administrator`,
    UserId: (await iam.getUser({})).User?.UserId,
  });
});

describe('AssumeRole', () => {
  test('needs the trust of the role and its external id', async () => {
    const made = await bench();
    const { iam, sts, account } = made;
    const AssumeRolePolicyDocument = trust(
      { AWS: `arn:aws:iam::${account}:root` },
      { StringEquals: { 'sts:ExternalId': 'secret-1' } },
    );
    await iam.createRole({ RoleName: 'reader', AssumeRolePolicyDocument });
    const role = { RoleArn: `arn:aws:iam::${account}:role/reader`, RoleSessionName: 'job-1' };
    await expect(sts.assumeRole(role)).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(
        'is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::',
      ),
    });
    expect(await code(sts.assumeRole({ ...role, ExternalId: 'wrong' }))).toBe('AccessDenied');
    const { Credentials, AssumedRoleUser } = await sts.assumeRole({ ...role, ExternalId: 'secret-1' });
    expect(Credentials?.AccessKeyId).toMatch(/^ASIA/);
    expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${account}:assumed-role/reader/job-1`);
    const session = clientsOf(made, Credentials);
    expect((await session.sts.getCallerIdentity({})).Arn).toBe(AssumedRoleUser?.Arn);
    expect(await code(session.iam.getUser({}))).toBe('ValidationError');
    expect(await code(sts.assumeRole({ ...role, RoleArn: `${role.RoleArn}-none` }))).toBe('AccessDenied');
  });

  test("across accounts needs the caller's own permission, and the role's policies decide", async () => {
    const made = await bench({ accounts: 2, enforcePolicies: true });
    const { iam, simulator, as, asUser } = made;
    const [first, second] = simulator.accounts;
    const target = as(second ?? { accessKeyId: '', secretAccessKey: '' });
    await iam.createUser({ UserName: 'operator' });
    const operator = await asUser('operator');
    await target.iam.createRole({
      RoleName: 'idhub',
      AssumeRolePolicyDocument: trust({ AWS: `arn:aws:iam::${first?.id}:user/operator` }),
    });
    await target.iam.attachRolePolicy({
      RoleName: 'idhub',
      PolicyArn: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess',
    });
    const RoleArn = `arn:aws:iam::${second?.id}:role/idhub`;
    const assume = { RoleArn, RoleSessionName: 'session' };
    expect(await code(operator.sts.assumeRole(assume))).toBe('AccessDenied');
    await iam.putUserPolicy({
      UserName: 'operator',
      PolicyName: 'p',
      PolicyDocument: policyDocument({ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: RoleArn }),
    });
    const { Credentials } = await operator.sts.assumeRole(assume);
    const session = clientsOf(made, Credentials);
    expect(await code(session.iam.listUsers({}))).toBe('OK');
    expect(await code(session.iam.createUser({ UserName: 'x' }))).toBe('AccessDenied');
    const Policy = policyDocument({ Effect: 'Allow', Action: 'iam:ListGroups', Resource: '*' });
    const limited = await operator.sts.assumeRole({ ...assume, Policy });
    const narrow = clientsOf(made, limited.Credentials);
    expect(await code(narrow.iam.listGroups({}))).toBe('OK');
    expect(await code(narrow.iam.listUsers({}))).toBe('AccessDenied');
  });

  test('sessions end after DurationSeconds, which the role limits', async () => {
    const clock = manualClock();
    const made = await bench({ now: clock.now });
    const { iam, sts, account } = made;
    const AssumeRolePolicyDocument = trust({ AWS: account });
    await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument, MaxSessionDuration: 7_200 });
    const role = { RoleArn: `arn:aws:iam::${account}:role/r`, RoleSessionName: 'session' };
    expect(await code(sts.assumeRole({ ...role, DurationSeconds: 7_201 }))).toBe('ValidationError');
    const { Credentials } = await sts.assumeRole({ ...role, DurationSeconds: 900 });
    const session = clientsOf(made, Credentials);
    clock.advance(899_000);
    expect(await code(session.iam.listUsers({}))).toBe('OK');
    clock.advance(1_000);
    expect(await code(session.iam.listUsers({}))).toBe('ExpiredToken');
  });
});

describe('AssumeRoleWithWebIdentity', () => {
  const token = (claims: object): string =>
    ['{}', JSON.stringify(claims), 'signature']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');

  test('goes by issuer, subject, audience and expiry, unsigned', async () => {
    const made = await bench();
    const { iam, account, simulator, as } = made;
    const claims = {
      iss: 'https://oidc.example.com/id/1',
      sub: 'system:serviceaccount:idhub:operator',
      aud: ['sts.amazonaws.com'],
      exp: Math.floor(Date.now() / 1000) + 600,
    };
    await iam.createRole({
      RoleName: 'irsa',
      AssumeRolePolicyDocument: trust(
        { Federated: `arn:aws:iam::${account}:oidc-provider/oidc.example.com/id/1` },
        {
          StringEquals: {
            'oidc.example.com/id/1:sub': claims.sub,
            'oidc.example.com/id/1:aud': 'sts.amazonaws.com',
          },
        },
      ),
    });
    const { sts } = as({ accessKeyId: 'AKIAUNUSED0000000000', secretAccessKey: 'unused' });
    const assume = (WebIdentityToken: string): Promise<string> =>
      code(
        sts.assumeRoleWithWebIdentity({
          RoleArn: `arn:aws:iam::${account}:role/irsa`,
          RoleSessionName: 'session',
          WebIdentityToken,
        }),
      );
    expect(await assume(token(claims))).toBe('OK');
    expect(await assume(token({ ...claims, sub: 'other' }))).toBe('AccessDenied');
    expect(await assume(token({ ...claims, aud: ['other'] }))).toBe('AccessDenied');
    expect(await assume(token({ ...claims, exp: 1 }))).toBe('ExpiredTokenException');
    expect(await assume('not-a-token')).toBe('InvalidIdentityTokenException');
    const { Credentials } = await sts.assumeRoleWithWebIdentity({
      RoleArn: `arn:aws:iam::${account}:role/irsa`,
      RoleSessionName: 'pod',
      WebIdentityToken: token(claims),
    });
    const session = clientsOf(made, Credentials);
    expect((await session.sts.getCallerIdentity({})).Account).toBe(simulator.accounts[0]?.id);
  });
});

test('GetSessionToken outlives its key; without MFA it cannot call IAM; it dies with the user', async () => {
  const made = await bench();
  const { iam, asUser, as } = made;
  await iam.createUser({ UserName: 'u' });
  const user = await asUser('u');
  const { Credentials } = await user.sts.getSessionToken({});
  const session = clientsOf(made, Credentials);
  const { AccessKeyMetadata: [key] = [] } = await iam.listAccessKeys({ UserName: 'u' });
  await iam.deleteAccessKey({ UserName: 'u', AccessKeyId: key?.AccessKeyId });
  expect(await code(session.sts.getCallerIdentity({}))).toBe('OK');
  expect(await code(session.iam.getUser({}))).toBe('InvalidClientTokenId');
  expect(await code(session.sts.getSessionToken({}))).toBe('AccessDenied');
  const noToken = as({
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
  });
  expect(await code(noToken.sts.getCallerIdentity({}))).toBe('InvalidClientTokenId');
  await iam.deleteUser({ UserName: 'u' });
  expect(await code(session.sts.getCallerIdentity({}))).toBe('InvalidClientTokenId');
});
