import { ListMFADevicesCommand, ListUsersCommand, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { giveEverything } from './belongings.ts';
import { changes, event, patch, resyncs, settled, user, worldFor } from './support.ts';

const world = worldFor('disabledkeys');
/** Ms that AWS's clock is ahead. */
let ahead = 0;

/** Time of AWS that passes, in steps that a client's signature survives. */
async function pass(minutes: number): Promise<void> {
  for (let left = minutes; left > 0; left -= 10) {
    const step = Math.min(left, 10) * 60_000;
    ahead += step;
    await world().simulator.skewClock(ahead);
    await world().simulator.advanceClock(step);
    await world().iam.send(new ListUsersCommand({ MaxItems: 1 }));
    await resyncs(world(), 1);
  }
}

async function made(name: string, spec: object): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
  await settled(world(), name);
}

async function enabled(name: string, value: boolean): Promise<void> {
  await patch(world(), name, { spec: { enabled: value } });
  await world().until('awsaccount', name, { status: 'True' });
}

async function reactivates(value: boolean): Promise<void> {
  await patch(world(), 'aws', { spec: { settings: { enableProgrammaticAccess: value } } }, 'awsconnection');
  await world().until('awsconnection', 'aws', { status: 'True' });
}

function active(dump: UserDump): string[] {
  return dump.accessKeys.filter(({ status }) => status === 'Active').map(({ accessKeyId }) => accessKeyId);
}

async function publishedKey(name: string): Promise<string> {
  const encoded = await world().kubectl([
    'get',
    'secret',
    `${name}-credentials`,
    '-n',
    world().namespace,
    '-o',
    'jsonpath={.data.accessKeyId}',
  ]);
  return Buffer.from(encoded, 'base64').toString();
}

async function keyWrites(name: string): Promise<string[]> {
  return (await changes(world(), name)).filter((each) => /^(Create|Delete)AccessKey$/.test(each));
}

test('everything that lets a user in, our own key too: shut, watched, and back as it was (C08)', async () => {
  await reactivates(true);
  await made('jo', { programmatic: { access: 'Managed' } });
  const own = await publishedKey('jo');
  // Two keys are the most a user has: those that an administrator gave are another user's.
  await made('sam', {});
  const given = await giveEverything(world().iam, 'sam');
  await enabled('jo', false);
  await enabled('sam', false);
  const shut = await user(world(), 'sam');
  expect(active(await user(world(), 'jo'))).toEqual([]);
  expect([...active(shut), shut.hasLoginProfile]).toEqual([false]);
  for (const list of [shut.sshPublicKeys, shut.signingCertificates, shut.serviceSpecificCredentials]) {
    expect(list.map(({ status }) => status)).toEqual(['Inactive']);
  }
  // A second factor opens nothing by itself, and stays for the day of the return.
  const { MFADevices: devices } = await world().iam.send(new ListMFADevicesCommand({ UserName: 'sam' }));
  expect(devices).toHaveLength(2);
  for (const name of ['jo', 'sam']) {
    expect((await world().account(name)).status).toMatchObject({
      state: 'Disabled',
      access: { console: 'None', programmatic: 'Disabled' },
    });
  }

  await world().iam.send(new UpdateAccessKeyCommand({ UserName: 'jo', AccessKeyId: own, Status: 'Active' }));
  const longAgo = new Date(Date.now() - 7_200_000).toISOString().replace(/\.\d+Z$/, 'Z');
  await patchStatus('jo', { credentialsAuditedAt: longAgo });
  await eventually(async () => (active(await user(world(), 'jo')).length === 0 ? true : undefined), {
    what: 'the key to be switched off again',
  });
  expect((await event(world(), 'jo', 'DriftMended')).message).toContain(own);

  await enabled('jo', true);
  await enabled('sam', true);
  const back = await user(world(), 'sam');
  expect(active(back)).toEqual([given.activeKey]);
  expect(back.accessKeys.find(({ accessKeyId }) => accessKeyId === given.inactiveKey)?.status).toBe(
    'Inactive',
  );
  for (const list of [back.sshPublicKeys, back.signingCertificates, back.serviceSpecificCredentials]) {
    expect(list.map(({ status }) => status)).toEqual(['Active']);
  }
  expect(back.mfaDevices).toHaveLength(2);
  expect(active(await user(world(), 'jo'))).toEqual([own]);
  expect(await publishedKey('jo')).toBe(own);
  expect(await keyWrites('jo')).toEqual(['CreateAccessKey']);
  for (const name of ['jo', 'sam']) {
    expect((await world().account(name)).status?.access?.programmatic).toBe('Enabled');
  }
});

async function patchStatus(name: string, status: object): Promise<void> {
  await world().kubectl([
    'patch',
    'awsaccount',
    name,
    '-n',
    world().namespace,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ]);
}

test('without enableProgrammaticAccess our key stays Inactive, no other is made, and the status says so', async () => {
  await reactivates(false);
  await made('kept-off', { programmatic: { access: 'Managed' } });
  const own = await publishedKey('kept-off');
  await enabled('kept-off', false);
  await enabled('kept-off', true);
  await resyncs(world(), 1);
  const dump = await user(world(), 'kept-off');
  expect(dump.accessKeys.map(({ accessKeyId, status }) => `${accessKeyId} ${status}`)).toEqual([
    `${own} Inactive`,
  ]);
  expect(dump.inlinePolicies).toEqual({});
  expect((await world().account('kept-off')).status).toMatchObject({
    state: 'Enabled',
    access: { programmatic: 'Disabled' },
  });
  expect(await keyWrites('kept-off')).toEqual(['CreateAccessKey']);
});

test('while disabled no key is made, rotated or deleted; what is due is done with the enable', async () => {
  await reactivates(true);
  await made('newcomer', { enabled: false, programmatic: { access: 'Managed' } });
  const programmatic = { access: 'Managed', rotateAfter: '10m', overlap: '5m' };
  await made('rotating', { programmatic });
  const first = await publishedKey('rotating');
  await pass(10.1);
  const second = await eventually(async () => {
    const id = await publishedKey('rotating');
    return id === first ? undefined : id;
  });
  await settled(world(), 'rotating');
  await enabled('rotating', false);
  expect(active(await user(world(), 'rotating'))).toEqual([]);
  await pass(12);
  await resyncs(world(), 1);
  expect(await keyWrites('rotating')).toEqual(['CreateAccessKey', 'CreateAccessKey']);
  expect(active(await user(world(), 'rotating'))).toEqual([]);
  expect(await keyWrites('newcomer')).toEqual([]);

  await enabled('newcomer', true);
  expect(active(await user(world(), 'newcomer'))).toEqual([await publishedKey('newcomer')]);
  await enabled('rotating', true);
  const third = await eventually(async () => {
    const id = await publishedKey('rotating');
    return [first, second].includes(id) ? undefined : id;
  });
  await settled(world(), 'rotating');
  const left = (await user(world(), 'rotating')).accessKeys.map(({ accessKeyId }) => accessKeyId);
  expect(left).not.toContain(first);
  expect(left).toContain(third);
  expect(active(await user(world(), 'rotating'))).toContain(third);
});
