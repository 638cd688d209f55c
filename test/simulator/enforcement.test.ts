import { describe, expect, test } from '@jest/globals';
import { bench, code, DENY_ALL, outcome, policyDocument, type Bench, type Clients } from './harness.ts';

const allow = (Action: string | readonly string[], Resource = '*', more: object = {}): string =>
  policyDocument({ Effect: 'Allow', Action, Resource, ...more });

/** A user `operator` with one inline policy, in an account that enforces. */
async function operatorWith(document: string, options = {}): Promise<Bench & { readonly operator: Clients }> {
  const made = await bench({ enforcePolicies: true, ...options });
  await made.iam.createUser({ UserName: 'operator' });
  await made.iam.putUserPolicy({ UserName: 'operator', PolicyName: 'p', PolicyDocument: document });
  return { ...made, operator: await made.asUser('operator') };
}

describe('identity policies', () => {
  test('what nothing allows is denied, in the words of AWS, and nothing changes', async () => {
    const { operator, account, control } = await operatorWith(allow('iam:GetUser'));
    expect(await code(operator.iam.getUser({}))).toBe('OK');
    await expect(operator.iam.createUser({ UserName: 'x' })).rejects.toMatchObject({
      name: 'AccessDenied',
      message: `User: arn:aws:iam::${account}:user/operator is not authorized to perform: iam:CreateUser on resource: arn:aws:iam::${account}:user/x because no identity-based policy allows the iam:CreateUser action`,
      $metadata: { httpStatusCode: 403 },
    });
    expect(await control.user('x')).toBeUndefined();
    expect(await code(operator.sts.getCallerIdentity({}))).toBe('OK');
  });

  test('CreateUser with tags needs TagUser, too', async () => {
    const { operator } = await operatorWith(allow('iam:CreateUser'));
    expect(await code(operator.iam.createUser({ UserName: 'plain' }))).toBe('OK');
    expect(
      await outcome(operator.iam.createUser({ UserName: 'x', Tags: [{ Key: 'k', Value: 'v' }] })),
    ).toMatch(/iam:TagUser/);
  });

  test('resources and paths limit', async () => {
    const { operator, iam } = await operatorWith(allow('iam:*', 'arn:aws:iam::*:user/staff/*'));
    await iam.createUser({ UserName: 'in', Path: '/staff/' });
    await iam.createUser({ UserName: 'out' });
    expect(await code(operator.iam.deleteUser({ UserName: 'in' }))).toBe('OK');
    expect(await code(operator.iam.deleteUser({ UserName: 'out' }))).toBe('AccessDenied');
    expect(await code(operator.iam.createUser({ UserName: 'new', Path: '/staff/' }))).toBe('OK');
    expect(await code(operator.iam.updateUser({ UserName: 'new', NewPath: '/' }))).toBe('AccessDenied');
  });

  test('groups give and deny; managed policies by their default version', async () => {
    const { operator, iam } = await operatorWith(allow('iam:ListUsers'));
    await iam.createGroup({ GroupName: 'g' });
    await iam.addUserToGroup({ GroupName: 'g', UserName: 'operator' });
    const { Policy } = await iam.createPolicy({ PolicyName: 'm', PolicyDocument: allow('iam:ListGroups') });
    const PolicyArn = Policy?.Arn;
    await iam.attachGroupPolicy({ GroupName: 'g', PolicyArn });
    expect(await code(operator.iam.listGroups({}))).toBe('OK');
    await iam.createPolicyVersion({ PolicyArn, PolicyDocument: DENY_ALL, SetAsDefault: true });
    expect(await outcome(operator.iam.listUsers({}))).toMatch(
      /with an explicit deny in an identity-based policy/,
    );
  });

  test('a boundary limits', async () => {
    const { operator, iam } = await operatorWith(allow('iam:*'));
    await iam.putUserPermissionsBoundary({
      UserName: 'operator',
      PermissionsBoundary: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess',
    });
    expect(await code(operator.iam.listUsers({}))).toBe('OK');
    expect(await outcome(operator.iam.createUser({ UserName: 'x' }))).toMatch(
      /because no permissions boundary allows the iam:CreateUser action/,
    );
  });

  test('a service control policy binds members, not the management account', async () => {
    const accounts = [{ id: '111111111111' }, { id: '222222222222' }];
    const scp = {
      name: 'keep-boundaries',
      document: policyDocument({
        Effect: 'Deny',
        Action: 'iam:DeleteUserPermissionsBoundary',
        Resource: '*',
      }),
      targets: ['root'],
    };
    const { iam, simulator, as } = await bench({
      enforcePolicies: true,
      accounts,
      organizations: { serviceControlPolicies: [scp] },
    });
    const [, second] = simulator.accounts;
    const member = as(second ?? { accessKeyId: '', secretAccessKey: '' });
    const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    for (const clients of [{ iam }, member]) {
      await clients.iam.createUser({ UserName: 'u', PermissionsBoundary });
    }
    expect(await code(iam.deleteUserPermissionsBoundary({ UserName: 'u' }))).toBe('OK');
    expect(await outcome(member.iam.deleteUserPermissionsBoundary({ UserName: 'u' }))).toMatch(
      /with an explicit deny in a service control policy/,
    );
  });

  test('the own password may be changed where the account says so', async () => {
    const { operator, iam } = await operatorWith(allow('iam:GetUser'));
    await iam.createLoginProfile({ UserName: 'operator', Password: 'Correct-horse-1' });
    const change = (): Promise<string> =>
      code(operator.iam.changePassword({ OldPassword: 'Correct-horse-1', NewPassword: 'Correct-horse-2' }));
    expect(await change()).toBe('AccessDenied');
    await iam.updateAccountPasswordPolicy({ AllowUsersToChangePassword: true });
    expect(await change()).toBe('OK');
    await iam.deleteAccountPasswordPolicy({});
    await iam.attachUserPolicy({
      UserName: 'operator',
      PolicyArn: 'arn:aws:iam::aws:policy/IAMUserChangePassword',
    });
    const back = { OldPassword: 'Correct-horse-2', NewPassword: 'Correct-horse-3' };
    expect(await code(operator.iam.changePassword(back))).toBe('OK');
  });

  test('it can be switched on and off while the simulator runs', async () => {
    const { operator, control } = await operatorWith(allow('iam:GetUser'));
    await control.configure({ enforcePolicies: false });
    expect(await code(operator.iam.listUsers({}))).toBe('OK');
    await control.configure({ enforcePolicies: true });
    expect(await code(operator.iam.listUsers({}))).toBe('AccessDenied');
  });
});

describe('a disabled user', () => {
  test('is stopped by an inline deny and by AWSDenyAll, sessions included', async () => {
    const { operator, iam, as } = await operatorWith(allow('iam:*'));
    const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'm' });
    const SerialNumber = VirtualMFADevice?.SerialNumber;
    await iam.enableMFADevice({
      UserName: 'operator',
      SerialNumber,
      AuthenticationCode1: '111111',
      AuthenticationCode2: '222222',
    });
    const { Credentials } = await operator.sts.getSessionToken({ SerialNumber, TokenCode: '333333' });
    const session = as({
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    });
    const { AccessKeyMetadata: [key] = [] } = await iam.listAccessKeys({ UserName: 'operator' });
    const Status = 'Inactive';
    await iam.updateAccessKey({ UserName: 'operator', AccessKeyId: key?.AccessKeyId, Status });
    expect(await code(operator.iam.listUsers({}))).toBe('InvalidClientTokenId');
    expect(await code(session.iam.listUsers({}))).toBe('OK');
    const soon = new Date(Date.now() + 60_000).toISOString();
    const PolicyDocument = policyDocument({
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:TokenIssueTime': soon } },
    });
    await iam.putUserPolicy({ UserName: 'operator', PolicyName: 'deny', PolicyDocument });
    expect(await code(session.iam.listUsers({}))).toBe('AccessDenied');
    await iam.deleteUserPolicy({ UserName: 'operator', PolicyName: 'deny' });
    expect(await code(session.iam.listUsers({}))).toBe('OK');
    await iam.attachUserPolicy({ UserName: 'operator', PolicyArn: 'arn:aws:iam::aws:policy/AWSDenyAll' });
    expect(await code(session.iam.listUsers({}))).toBe('AccessDenied');
  });
});

describe('simulation of policies', () => {
  test('tells what a user may do, with boundary and context', async () => {
    const { iam, account } = await operatorWith(
      policyDocument(
        { Effect: 'Allow', Action: ['iam:CreateUser', 'iam:TagUser'], Resource: '*' },
        {
          Effect: 'Deny',
          Action: 'iam:TagUser',
          Resource: '*',
          Condition: { StringEquals: { 'aws:RequestTag/x': 'y' } },
        },
      ),
    );
    const PolicySourceArn = `arn:aws:iam::${account}:user/operator`;
    const ask = async (ContextKeyValues: string[]): Promise<readonly (string | undefined)[] | undefined> => {
      const { EvaluationResults } = await iam.simulatePrincipalPolicy({
        PolicySourceArn,
        ActionNames: ['iam:CreateUser', 'iam:TagUser', 'iam:DeleteUser'],
        ContextEntries: [{ ContextKeyName: 'aws:RequestTag/x', ContextKeyType: 'string', ContextKeyValues }],
      });
      return EvaluationResults?.map((result) => result.EvalDecision);
    };
    expect(await ask(['y'])).toEqual(['allowed', 'explicitDeny', 'implicitDeny']);
    expect(await ask(['n'])).toEqual(['allowed', 'allowed', 'implicitDeny']);
    await iam.putUserPermissionsBoundary({
      UserName: 'operator',
      PermissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
    });
    expect(await ask(['n'])).toEqual(['implicitDeny', 'implicitDeny', 'implicitDeny']);
    const unknown = { PolicySourceArn: `${PolicySourceArn}-x`, ActionNames: ['iam:GetUser'] };
    expect(await code(iam.simulatePrincipalPolicy(unknown))).toBe('NoSuchEntityException');
  });
});
