import {
  AttachUserPolicyCommand,
  ChangePasswordCommand,
  CreateLoginProfileCommand,
  CreateUserCommand,
  DeleteAccountPasswordPolicyCommand,
  UpdateAccountPasswordPolicyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import type { Secret } from '../../operator/controllers/names.ts';
import { eventually } from '../support/process.ts';
import {
  changes,
  event,
  events,
  exists,
  gone,
  operations,
  patch,
  remove,
  resyncs,
  settled,
  user,
  worldFor,
} from './support.ts';
import { iamClient, newKey, systemNamespace } from './world.ts';

const world = worldFor('passwords');
const changeArn = 'arn:aws:iam::aws:policy/IAMUserChangePassword';
const managed = { access: 'Managed' };
/** Every password that there was. */
const used = new Set<string>();

async function entries(name: string): Promise<Record<string, string>> {
  const text = await world().kubectl(['get', 'secret', name, '-n', world().namespace, '-o', 'json']);
  const { data = {} } = JSON.parse(text) as Secret;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/** The password in the Secret of an account; AWS takes it. */
async function published(name: string): Promise<string> {
  const { password = '' } = await entries(`${name}-credentials`);
  expect(password).not.toBe('');
  used.add(password);
  expect(await world().simulator.checkPassword(name, password)).toBe(true);
  return password;
}

async function keep(name: string, password: string): Promise<void> {
  used.add(password);
  await world().apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: world().namespace, name },
    stringData: { password },
  });
}

async function make(name: string, spec: object): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
}

async function made(name: string, spec: object): Promise<void> {
  await make(name, spec);
  await settled(world(), name);
}

async function passwordWrites(name: string): Promise<string[]> {
  return (await operations(world(), name)).filter((operation) => operation.includes('LoginProfile'));
}

async function fits(name: string, password: string): Promise<true | undefined> {
  return (await world().simulator.checkPassword(name, password)) ? true : undefined;
}

async function enabled(name: string, value: boolean): Promise<void> {
  await patch(world(), name, { spec: { enabled: value } });
  await world().until('awsaccount', name, { status: 'True' });
}

describe('a generated password', () => {
  test('signs its joiner in, is to be changed, and is set once (C07)', async () => {
    await made('joiner', { console: managed });
    const password = await published('joiner');
    expect(await entries('joiner-credentials')).toMatchObject({
      userName: 'joiner',
      accountId: world().accounts[0]?.id,
    });
    expect(await world().simulator.signIn('joiner', password)).toBe(true);
    expect(await user(world(), 'joiner')).toMatchObject({
      passwordResetRequired: true,
      attachedPolicies: [changeArn],
    });
    const { status } = await world().account('joiner');
    expect(status).toMatchObject({
      credentialsSecretName: 'joiner-credentials',
      access: { console: 'Enabled' },
    });
    await resyncs(world(), 2);
    await world().restartOperator();
    await resyncs(world(), 1);
    expect(await operations(world(), 'joiner')).toEqual([
      'CreateUser',
      'CreateLoginProfile',
      'AttachUserPolicy',
    ]);
    expect((await event(world(), 'joiner', 'Updated')).message).toContain(
      'console password set (Secret joiner-credentials)',
    );
    expect(
      await exists({ ...world(), namespace: systemNamespace }, 'secret', 'idhub-aws-connector-keys'),
    ).toBe(true);
  });

  test('is another one after a reset, once for each request', async () => {
    await made('forgetful', { console: managed });
    const before = await published('forgetful');
    await patch(world(), 'forgetful', { spec: { console: { reset: { requestId: 'ticket-1' } } } });
    await world().until('awsaccount', 'forgetful', { status: 'True' });
    const after = await published('forgetful');
    expect(after).not.toBe(before);
    await world().restartOperator();
    await resyncs(world(), 1);
    expect(await published('forgetful')).toBe(after);
    expect(await passwordWrites('forgetful')).toEqual(['CreateLoginProfile', 'UpdateLoginProfile']);
  });

  test("is not put into somebody else's Secret", async () => {
    await keep('careful-credentials', 'Some-other-1-value');
    await make('careful', { console: managed, tags: { team: 'a' } });
    await world().until('awsaccount', 'careful', { status: 'False', reason: 'SecretConflict' });
    expect(await user(world(), 'careful')).toMatchObject({ hasLoginProfile: false, tags: { team: 'a' } });
    expect(await entries('careful-credentials')).toEqual({ password: 'Some-other-1-value' });
    await world().kubectl(['delete', 'secret', 'careful-credentials', '-n', world().namespace]);
    await world().until('awsaccount', 'careful', { status: 'True' });
    await published('careful');
  });

  test('moves with its Secret, beside an access key, and stays with a user that is let go of', async () => {
    await made('mover', { console: managed, programmatic: { access: 'Managed' }, deletionPolicy: 'Retain' });
    const before = await entries('mover-credentials');
    await patch(world(), 'mover', { spec: { credentialsSecretName: 'elsewhere' } });
    await gone(world(), 'mover-credentials', 20_000, 'secret');
    await world().until('awsaccount', 'mover', { status: 'True' });
    expect(await entries('elsewhere')).toEqual(before);
    expect(await fits('mover', before['password'] ?? '')).toBe(true);
    await remove(world(), 'mover');
    await gone(world(), 'mover');
    expect(await entries('elsewhere')).toEqual(before);
    expect(await user(world(), 'mover')).toMatchObject({
      hasLoginProfile: true,
      attachedPolicies: [changeArn],
    });
    used.add(before['password'] ?? '');
  });
});

describe('a password from a Secret', () => {
  test('is set once, and once more when it changes; other changes of the Secret are none (C07 b, c, d)', async () => {
    await keep('given-1', 'First-value-1-here');
    await made('given', { console: { ...managed, passwordSecretRef: { name: 'given-1' } } });
    expect(await fits('given', 'First-value-1-here')).toBe(true);
    expect(await user(world(), 'given')).toMatchObject({
      passwordResetRequired: false,
      attachedPolicies: [],
    });
    await patch(world(), 'given-1', { stringData: { note: 'x' } }, 'secret');
    await resyncs(world(), 4);
    expect(await passwordWrites('given')).toEqual(['CreateLoginProfile']);
    await keep('given-1', 'Second-value-2-here');
    await eventually(() => fits('given', 'Second-value-2-here'), { withinMs: 60_000 });
    await resyncs(world(), 1);
    expect(await passwordWrites('given')).toEqual(['CreateLoginProfile', 'UpdateLoginProfile']);
  });

  test('that is missing, or that AWS refuses, is told; all else of the account is done, and it goes on by itself', async () => {
    await make('late', {
      console: { ...managed, passwordSecretRef: { name: 'late-1' } },
      programmatic: { access: 'Managed' },
    });
    await world().until('awsaccount', 'late', { status: 'False', reason: 'PasswordSecretNotFound' });
    expect((await user(world(), 'late')).accessKeys).toHaveLength(1);
    await world().iam.send(new UpdateAccountPasswordPolicyCommand({ MinimumPasswordLength: 30 }));
    await keep('late-1', 'Not-30-long-1');
    const { message } = await world().until('awsaccount', 'late', {
      status: 'False',
      reason: 'PasswordPolicyViolation',
    });
    expect(message).toContain('Secret late-1, key password');
    expect(message).toContain('minimum length of 30');
    await patch(world(), 'late', { spec: { tags: { team: 'b' } } });
    await eventually(async () => (await user(world(), 'late')).tags['team'] === 'b' || undefined);
    await resyncs(world(), 1);
    expect(await passwordWrites('late')).toEqual(['CreateLoginProfile!PasswordPolicyViolation']);
    await keep('late-1', 'A-value-1-of-thirty-characters-and-more');
    await world().until('awsaccount', 'late', { status: 'True' });
    expect(await fits('late', 'A-value-1-of-thirty-characters-and-more')).toBe(true);
    await world().iam.send(new DeleteAccountPasswordPolicyCommand({}));
  });

  test('is to be changed at the first sign-in where the connection says so, and the account does not', async () => {
    await keep('asked-1', 'First-value-1-here');
    await patch(world(), 'aws', { spec: { settings: { changePasswordNextSignIn: true } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    const passwordSecretRef = { name: 'asked-1' };
    await made('asked', { console: { ...managed, passwordSecretRef } });
    await made('unasked', { console: { ...managed, passwordSecretRef, resetRequired: false } });
    expect(await user(world(), 'asked')).toMatchObject({
      passwordResetRequired: true,
      attachedPolicies: [changeArn],
    });
    expect(await user(world(), 'unasked')).toMatchObject({
      passwordResetRequired: false,
      attachedPolicies: [],
    });
    await patch(world(), 'aws', { spec: { settings: { changePasswordNextSignIn: false } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
  });
});

describe('disabled, None, Unmanaged', () => {
  test('nobody has a password while disabled; a new one is back before the Deny goes (C08)', async () => {
    await made('away', { console: managed });
    const before = await published('away');
    await enabled('away', false);
    expect((await user(world(), 'away')).hasLoginProfile).toBe(false);
    await patch(world(), 'away', { spec: { console: { reset: { requestId: 'ticket-2' } } } });
    await world().until('awsaccount', 'away', { status: 'True' });
    await resyncs(world(), 1);
    expect(await passwordWrites('away')).toEqual(['CreateLoginProfile', 'DeleteLoginProfile']);
    await enabled('away', true);
    expect(await published('away')).not.toBe(before);
    expect((await changes(world(), 'away')).slice(-4)).toEqual([
      'TagUser',
      'CreateLoginProfile',
      'DeleteUserPolicy',
      'UntagUser',
    ]);
    await resyncs(world(), 1);
    expect(await passwordWrites('away')).toEqual([
      'CreateLoginProfile',
      'DeleteLoginProfile',
      'CreateLoginProfile',
    ]);
  });

  test('a disable right after the password was made waits for AWS, and leaves none', async () => {
    await world().simulator.configure({ loginProfileSettleMs: 2_000 });
    await make('hasty', { console: managed });
    await eventually(
      async () => (await world().simulator.user('hasty'))?.hasLoginProfile === true || undefined,
    );
    await patch(world(), 'hasty', { spec: { enabled: false } });
    await world().until('awsaccount', 'hasty', { status: 'True' });
    expect(await user(world(), 'hasty')).toMatchObject({ hasLoginProfile: false });
    expect((await user(world(), 'hasty')).inlinePolicies['IDHubDisabled']).toBeDefined();
    await world().simulator.configure({ loginProfileSettleMs: 0 });
  });

  test('a password of another hand stays where nothing is said or it was there before, and goes with None (C07 a)', async () => {
    for (const name of ['found', 'found-managed', 'found-none']) {
      await world().iam.send(new CreateUserCommand({ UserName: name }));
      await world().iam.send(
        new CreateLoginProfileCommand({ UserName: name, Password: 'Somebodys-own-1-value' }),
      );
    }
    await resyncs(world(), 1);
    await made('found', { adoptionPolicy: 'IfUnowned', tags: { a: '1' } });
    await made('found-managed', { adoptionPolicy: 'IfUnowned', console: managed });
    await made('found-none', { adoptionPolicy: 'IfUnowned', console: { access: 'None' } });
    await resyncs(world(), 2);
    expect(await passwordWrites('found')).toEqual([]);
    expect(await passwordWrites('found-managed')).toEqual([]);
    expect(await passwordWrites('found-none')).toEqual(['DeleteLoginProfile']);
    await patch(world(), 'found-managed', { spec: { console: { access: 'None' } } });
    await world().until('awsaccount', 'found-managed', { status: 'True' });
    expect((await user(world(), 'found-managed')).hasLoginProfile).toBe(false);
    await patch(world(), 'found-managed', { spec: { console: managed } });
    await world().until('awsaccount', 'found-managed', { status: 'True' });
    await published('found-managed');
    await patch(world(), 'found-managed', { spec: { console: { access: 'Unmanaged' } } });
    await world().until('awsaccount', 'found-managed', { status: 'True' });
    await resyncs(world(), 1);
    expect((await user(world(), 'found-managed')).hasLoginProfile).toBe(true);
  });
});

test('no password is in logs, events or objects (C29)', async () => {
  expect(used.size).toBeGreaterThan(10);
  const objects = await world().kubectl(['get', 'awsaccount', '-n', world().namespace, '-o', 'json']);
  const told = JSON.stringify([world().operator.lines, await events(world(), 'joiner')]) + objects;
  expect([...used].filter((password) => told.includes(password))).toEqual([]);
});

test('the person chooses another password, and loses the right to, if it came from here', async () => {
  const kept = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
  await world().iam.send(new AttachUserPolicyCommand({ UserName: 'joiner', PolicyArn: kept }));
  await world().iam.send(new CreateUserCommand({ UserName: 'entitled' }));
  await world().iam.send(new AttachUserPolicyCommand({ UserName: 'entitled', PolicyArn: changeArn }));
  await resyncs(world(), 1);
  await made('entitled', { adoptionPolicy: 'IfUnowned', console: managed });
  await world().simulator.advanceClock(60_000);
  for (const name of ['joiner', 'entitled']) {
    const person = iamClient(world().simulatorUrl, await newKey(world().iam, name));
    await person.send(
      new ChangePasswordCommand({ OldPassword: await published(name), NewPassword: `Of-${name}-1-own` }),
    );
    person.destroy();
  }
  // AWS makes a new credential report every four hours.
  await world().simulator.advanceClock(5 * 3_600_000);
  await world().restartOperator();
  await eventually(
    async () => !(await user(world(), 'joiner')).attachedPolicies.includes(changeArn) || undefined,
    {
      withinMs: 15_000,
      what: 'the right to go',
    },
  );
  await resyncs(world(), 2);
  expect((await user(world(), 'joiner')).attachedPolicies).toEqual([kept]);
  expect((await user(world(), 'entitled')).attachedPolicies).toEqual([changeArn]);
  expect(await fits('joiner', 'Of-joiner-1-own')).toBe(true);
});
