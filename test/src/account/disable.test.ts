import { describe, expect, test } from '@jest/globals';
import { denyPolicyName, remembered, type DisableWith } from '../../../src/account/index.ts';
import { FakeAws, type FakeUser } from '../fake-aws.ts';
import { declare, rulesWith } from './material.ts';
import { Controller, looks, options, usable } from './world.ts';
import { disableUser, enableUser } from '../../../src/account/disable.ts';

const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';
const off = declare({ enabled: false });
const on = declare({ enabled: true });

/** Someone with one of everything, and one of everything that a person has switched off before. */
function furnish(aws: FakeAws): FakeUser {
  return aws.add('jo', {
    tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]),
    console: true,
    keys: new Map([
      ['AKIA0000000000000001', 'Active'],
      ['AKIA0000000000000002', 'Inactive'],
    ]),
    ssh: new Map([
      ['APKA0000000000000001', 'Active'],
      ['APKA0000000000000002', 'Inactive'],
    ]),
    certificates: new Map([
      ['CERT00000000000000000001', 'Active'],
      ['CERT00000000000000000002', 'Inactive'],
    ]),
    services: new Map([
      ['ACCA0000000000000001', 'Active'],
      ['ACCA0000000000000002', 'Inactive'],
    ]),
    groups: new Set(['people']),
    attached: new Set(['arn:aws:iam::aws:policy/ReadOnlyAccess']),
  });
}

const switchedOff = [
  'console',
  'AKIA0000000000000001',
  'APKA0000000000000001',
  'CERT00000000000000000001',
  'ACCA0000000000000001',
];

interface Setting {
  readonly title: string;
  readonly disableWith: DisableWith;
  readonly inlineQuotaFull: boolean;
  readonly pageSize: number;
}

const settings: readonly Setting[] = [
  { title: 'an inline Deny', disableWith: 'DenyPolicy', inlineQuotaFull: false, pageSize: 100 },
  {
    title: 'an inline Deny, lists of one item a page',
    disableWith: 'DenyPolicy',
    inlineQuotaFull: false,
    pageSize: 1,
  },
  {
    title: 'AWSDenyAll, since the inline quota is full',
    disableWith: 'DenyPolicy',
    inlineQuotaFull: true,
    pageSize: 100,
  },
  { title: 'the credentials only', disableWith: 'CredentialsOnly', inlineQuotaFull: false, pageSize: 100 },
];

function begin(setting: Setting): { aws: FakeAws; user: FakeUser; controller: Controller } {
  const aws = new FakeAws();
  aws.inlineQuotaFull = setting.inlineQuotaFull;
  aws.pageSize = setting.pageSize;
  aws.emptyPages = setting.pageSize === 1;
  const user = furnish(aws);
  const controller = new Controller({ aws, rules: rulesWith([], { disableWith: setting.disableWith }) });
  return { aws, user, controller };
}

async function reach(setting: Setting, enabled: boolean): Promise<unknown> {
  const { aws, user, controller } = begin(setting);
  await controller.converge(off, user);
  if (enabled) {
    await controller.converge(on, user);
  }
  return looks(aws, user);
}

describe.each(settings)('disabled with $title', (setting) => {
  test('nothing is usable, and what was off before is not remembered', async () => {
    const { user, controller } = begin(setting);
    await controller.converge(off, user);
    expect(usable(user)).toEqual([]);
    const items = remembered(controller.aws.observe('jo').tags) ?? [];
    const ids = items
      .map((item) => ('id' in item ? item.id : item.kind))
      .filter((id) => id !== 'managedDeny');
    expect(ids.sort()).toEqual(switchedOff.toSorted());
    expect(user.inline.has(denyPolicyName)).toBe(setting.title.startsWith('an inline'));
    expect(user.attached.has(denyAll)).toBe(setting.inlineQuotaFull);
    expect(user.groups.has('people')).toBe(true);
  });

  test('the Deny comes first, then the memory, then the credentials', async () => {
    const { aws, user, controller } = begin(setting);
    await controller.pass(off, user);
    const deny = {
      inline: ['PutUserPolicy'],
      managed: ['PutUserPolicy', 'AttachUserPolicy'],
      none: [],
    }[setting.disableWith === 'CredentialsOnly' ? 'none' : setting.inlineQuotaFull ? 'managed' : 'inline'];
    const writes = aws.writes.filter((operation) => deny.length > 0 || !operation.endsWith('Policy'));
    const firstOff = writes.findIndex((operation) => /^(Update|DeleteLogin)/.test(operation));
    expect(writes.slice(0, firstOff).filter((operation) => operation !== 'TagUser')).toEqual(deny);
    expect(writes.slice(0, firstOff)).toContain('TagUser');
    expect(writes.slice(firstOff).toSorted()).toEqual([
      'DeleteLoginProfile',
      'UpdateAccessKey',
      'UpdateSSHPublicKey',
      'UpdateServiceSpecificCredential',
      'UpdateSigningCertificate',
    ]);
    if (deny.length > 0) {
      expect(aws.calls[0]?.operation).toBe('PutUserPolicy');
    }
  });

  test('it is urgent, and once done it is not done again', async () => {
    const { aws, user, controller } = begin(setting);
    await controller.pass(off, user);
    expect(new Set(aws.calls.map(({ priority }) => priority))).toEqual(new Set(['urgent']));
    const { length } = aws.calls;
    await controller.pass(off, user);
    expect(aws.calls).toHaveLength(length);
  });

  test('a crash after any change leads to the same end', async () => {
    const end = await reach(setting, false);
    for (let writes = 1; ; writes += 1) {
      const { aws, user, controller } = begin(setting);
      const crashed = await controller.passUntil(writes, 'crash', () => controller.pass(off, user));
      await controller.converge(off, user);
      expect([writes, looks(aws, user)]).toEqual([writes, end]);
      if (!crashed) {
        expect(writes).toBeGreaterThan(6);
        return;
      }
    }
  });

  test('enabled again, just what we switched off comes back', async () => {
    const { aws, user, controller } = begin(setting);
    const before = looks(aws, user) as object;
    await controller.converge(off, user);
    await controller.converge(on, user);
    // A console password cannot be brought back: AWS does not keep it.
    expect(looks(aws, user)).toEqual({ ...before, console: false });
  });

  test('on enable the Deny goes after every credential, and the memory last', async () => {
    const { aws, user, controller } = begin(setting);
    await controller.converge(off, user);
    aws.calls.length = 0;
    await controller.pass(on, user);
    const { writes } = aws;
    const deny =
      setting.disableWith === 'CredentialsOnly'
        ? []
        : [setting.inlineQuotaFull ? 'DetachUserPolicy' : 'DeleteUserPolicy'];
    // The memory says first that an enable is under way: until its end a disable must look again.
    expect(writes[0]).toBe('TagUser');
    expect(writes.slice(1, 5).every((operation) => operation.startsWith('Update'))).toBe(true);
    expect(writes.slice(5)).toEqual([...deny, 'UntagUser']);
  });

  test('a crash of the enable after any change leads to the same end', async () => {
    const end = await reach(setting, true);
    for (let writes = 1; ; writes += 1) {
      const { aws, user, controller } = begin(setting);
      await controller.converge(off, user);
      const crashed = await controller.passUntil(writes, 'crash', () => controller.pass(on, user));
      await controller.converge(on, user);
      expect([writes, looks(aws, user)]).toEqual([writes, end]);
      if (!crashed) {
        expect(writes).toBeGreaterThan(5);
        return;
      }
    }
  });

  test('a crash of the disable at any change, and an enable after it, leave nothing behind', async () => {
    const end = await reach(setting, true);
    for (let writes = 1; ; writes += 1) {
      const { aws, user, controller } = begin(setting);
      const crashed = await controller.passUntil(writes, 'crash', () => controller.pass(off, user));
      await controller.converge(on, user);
      // The password is still there if the crash came before it was removed.
      expect([writes, { ...(looks(aws, user) as object), console: false }]).toEqual([writes, end]);
      if (!crashed) {
        return;
      }
    }
  });

  test('a crash of the enable at any change, and a disable after it, leave nothing open', async () => {
    for (let writes = 1; ; writes += 1) {
      const { user, controller } = begin(setting);
      await controller.converge(off, user);
      const crashed = await controller.passUntil(writes, 'crash', () => controller.pass(on, user));
      await controller.converge(off, user);
      expect([writes, usable(user)]).toEqual([writes, []]);
      const denied = user.inline.has(denyPolicyName) || user.attached.has(denyAll);
      expect([writes, denied]).toEqual([writes, setting.disableWith === 'DenyPolicy']);
      if (!crashed) {
        return;
      }
    }
  });
});

describe.each(settings)('with $title, and a fault of the network instead of a crash', (setting) => {
  // No new reading of the account comes in between: the policies that the process knows are old.
  test('in the disable, an enable after it leaves nothing behind', async () => {
    const end = await reach(setting, true);
    for (let writes = 1; ; writes += 1) {
      const { aws, user, controller } = begin(setting);
      const failed = await controller.passUntil(writes, 'unreachable', () => controller.pass(off, user));
      await controller.again(on, user);
      expect([writes, { ...(looks(aws, user) as object), console: false }]).toEqual([writes, end]);
      if (!failed) {
        return;
      }
    }
  });

  test('in the enable, a disable after it leaves nothing open', async () => {
    for (let writes = 1; ; writes += 1) {
      const { user, controller } = begin(setting);
      await controller.converge(off, user);
      const failed = await controller.passUntil(writes, 'unreachable', () => controller.pass(on, user));
      await controller.again(off, user);
      expect([writes, usable(user)]).toEqual([writes, []]);
      const denied = user.inline.has(denyPolicyName) || user.attached.has(denyAll);
      expect([writes, denied]).toEqual([writes, setting.disableWith === 'DenyPolicy']);
      if (!failed) {
        return;
      }
    }
  });
});

const plain = settings[0] ?? { title: '', disableWith: 'DenyPolicy', inlineQuotaFull: false, pageSize: 100 };

describe('disable', () => {
  test('one credential that cannot be switched off does not keep the others on, and is said', async () => {
    const { aws, user, controller } = begin(plain);
    aws.refuse = ({ operation }) => (operation === 'UpdateSigningCertificate' ? 'accessDenied' : undefined);
    const { outcome } = await controller.pass(off, user);
    expect(usable(user)).toEqual(['CERT00000000000000000001']);
    expect(outcome.refused).toMatchObject([
      { step: 'disable', error: { operation: 'UpdateSigningCertificate' } },
    ]);
    aws.refuse = () => undefined;
    controller.audit = true;
    await controller.pass(off, user);
    expect(usable(user)).toEqual([]);
    controller.audit = false;
    await controller.converge(on, user);
    expect(user.certificates.get('CERT00000000000000000001')).toBe('Active');
  });

  test('a fault that passes is thrown after every credential was tried', async () => {
    const { aws, user, controller } = begin(plain);
    aws.refuse = ({ operation }) => (operation === 'DeleteLoginProfile' ? 'temporary' : undefined);
    await expect(controller.pass(off, user)).rejects.toMatchObject({ kind: 'temporary' });
    expect(usable(user)).toEqual(['console']);
    aws.refuse = () => undefined;
    await controller.converge(off, user);
    expect(usable(user)).toEqual([]);
  });

  test('where neither Deny is allowed the credentials go all the same, and nothing looks done', async () => {
    const { aws, user, controller } = begin(plain);
    aws.refuse = ({ operation }) =>
      operation === 'PutUserPolicy' || operation === 'AttachUserPolicy' ? 'accessDenied' : undefined;
    const { outcome } = await controller.pass(off, user);
    expect(usable(user)).toEqual([]);
    expect(outcome.refused).toMatchObject([{ step: 'disable', error: { kind: 'accessDenied' } }]);
    aws.refuse = () => undefined;
    await controller.converge(off, user);
    expect(user.inline.has(denyPolicyName)).toBe(true);
  });

  test.each([
    'GetLoginProfile',
    'ListAccessKeys',
    'ListSSHPublicKeys',
    'ListSigningCertificates',
    'ListServiceSpecificCredentials',
  ] as const)(
    '%s that is refused keeps the others from being neither seen nor switched off',
    async (operation) => {
      const { aws, user, controller } = begin(plain);
      aws.refuse = (call) => (call.operation === operation ? 'accessDenied' : undefined);
      const { outcome } = await controller.pass(off, user);
      expect(usable(user)).toHaveLength(1);
      expect(user.inline.has(denyPolicyName)).toBe(true);
      expect(outcome.refused).toMatchObject([{ step: 'disable', error: { operation } }]);
    },
  );

  test('no room for either Deny: the credentials go all the same, and it is said', async () => {
    const { aws, user, controller } = begin({ ...plain, inlineQuotaFull: true });
    aws.attachedQuota = 1;
    const { outcome } = await controller.pass(off, user);
    expect(usable(user)).toEqual([]);
    expect(outcome.notes.join()).toMatch(/neither an inline Deny nor AWSDenyAll fits .* detach a policy/);
  });

  test('50 tags already: the credentials go all the same, and it is said what will not come back', async () => {
    const { aws, user, controller } = begin(plain);
    Array.from({ length: 49 }, (_, index) => user.tags.set(`t${index}`, ''));
    const { outcome } = await controller.pass(off, user);
    expect(usable(user)).toEqual([]);
    expect(outcome.notes.join()).toMatch(
      /carries 50 tags.*console password, access key AKIA0000000000000001, SSH/,
    );
    await controller.converge(on, user);
    expect(user.inline.size).toBe(0);
    expect(aws.count('UntagUser')).toBe(0);
  });

  test('an audit closes what somebody made meanwhile, in the background; an enable does not bring it back', async () => {
    const { aws, user, controller } = begin(plain);
    await controller.converge(off, user);
    user.keys.set('AKIA0000000000000001', 'Active');
    user.services.set('ACCA0000000000000003', 'Active');
    aws.calls.length = 0;
    controller.audit = true;
    const { plan, outcome } = await controller.pass(off, user);
    expect(plan.steps).toEqual([{ do: 'disable', audit: true }]);
    expect(plan.differences).toEqual([]);
    expect(usable(user)).toEqual([]);
    expect(outcome.notes).toEqual([
      'switched off: access key AKIA0000000000000001, service-specific credential ACCA0000000000000003',
    ]);
    expect(
      aws.calls.filter(({ priority }) => priority === 'background').map(({ operation }) => operation),
    ).toEqual([
      'GetLoginProfile',
      'ListAccessKeys',
      'ListSSHPublicKeys',
      'ListSigningCertificates',
      'ListServiceSpecificCredentials',
    ]);
    expect(aws.writes).toEqual(['UpdateAccessKey', 'UpdateServiceSpecificCredential']);
    controller.audit = false;
    await controller.converge(on, user);
    expect(usable(user)).toEqual(switchedOff.slice(1));
  });

  test('what was off before, and somebody switched on while the user was disabled, stays off in the end (C08)', async () => {
    const { user, controller } = begin(plain);
    user.keys.set('AKIA0000000000000001', 'Active');
    user.keys.set('AKIA0000000000000002', 'Inactive');
    await controller.converge(off, user);
    user.keys.set('AKIA0000000000000001', 'Active');
    user.keys.set('AKIA0000000000000002', 'Active');
    user.inline.clear();
    await controller.converge(off, user);
    expect(usable(user)).toEqual([]);
    await controller.converge(on, user);
    expect([...user.keys]).toEqual([
      ['AKIA0000000000000001', 'Active'],
      ['AKIA0000000000000002', 'Inactive'],
    ]);
  });

  test('what is made for an enable that did not end is found by the disable that comes then', async () => {
    const { aws, user, controller } = begin({ ...plain, disableWith: 'CredentialsOnly' });
    const bare = aws.add('new', { tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]) });
    aws.users.splice(aws.users.indexOf(user), 1);
    bare.userName = 'jo';
    await controller.converge(off, bare);
    const enable = enableUser(aws, aws.observe('jo'), {
      ...options,
      accessKeys: true,
      partition: 'aws',
      beforeOpening: () => {
        bare.keys.set('AKIA0000000000000009', 'Active');
        aws.refuse = ({ operation }) => (operation === 'UntagUser' ? 'unreachable' : undefined);
        return Promise.resolve();
      },
    });
    await expect(enable).rejects.toThrow('UntagUser');
    aws.refuse = () => undefined;
    controller.known = undefined;
    await controller.converge(off, bare);
    expect(usable(bare)).toEqual([]);
  });

  test('where a list could not be read, what it shows later is ours to bring back', async () => {
    const { aws, user, controller } = begin(plain);
    user.keys.set('AKIA0000000000000001', 'Active');
    user.ssh.set('APKA0000000000000001', 'Active');
    aws.refuse = ({ operation }) => (operation === 'ListSSHPublicKeys' ? 'accessDenied' : undefined);
    await controller.pass(off, user);
    expect(usable(user)).toEqual(['APKA0000000000000001']);
    aws.refuse = () => undefined;
    await controller.converge(off, user);
    expect(usable(user)).toEqual([]);
    await controller.converge(on, user);
    expect(usable(user)).toEqual(switchedOff.slice(1));
  });

  test('a Deny that somebody removed or changed is drift, and is put right', async () => {
    for (const change of [
      (user: FakeUser) => user.inline.clear(),
      (user: FakeUser) => user.inline.set(denyPolicyName, '{"Statement":[]}'),
    ]) {
      const { aws, user, controller } = begin(plain);
      await controller.converge(off, user);
      const shut = looks(aws, user);
      change(user);
      const { plan } = await controller.pass(off, user);
      expect(plan.differences).toEqual(['enabled']);
      expect(looks(aws, user)).toEqual(shut);
    }
  });

  test('somebody else’s AWSDenyAll does as our Deny, and stays when the account is enabled', async () => {
    const { aws, user, controller } = begin(plain);
    user.attached.add(denyAll);
    await controller.converge(off, user);
    expect(aws.count('PutUserPolicy')).toBe(0);
    await controller.converge(on, user);
    expect(user.attached.has(denyAll)).toBe(true);
  });

  test('one that owns nothing still gets Deny and memory, and is not shut out again each time', async () => {
    const aws = new FakeAws();
    const user = aws.add('jo', { tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]) });
    const controller = new Controller({ aws });
    await controller.pass(off, user);
    expect(aws.writes).toEqual(['PutUserPolicy', 'TagUser']);
    expect(user.tags.get('aws.idhub.io/disabled')).toBe('v1');
    expect((await controller.pass(off, user)).plan.steps).toEqual([]);
  });

  test('more credentials than one tag can name: all of them are remembered and come back', async () => {
    const aws = new FakeAws();
    const services = Array.from({ length: 30 }, (_, index) => `ACCA${String(index).padStart(16, '0')}`);
    const user = aws.add('jo', {
      tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]),
      services: new Map(services.map((id) => [id, 'Active'])),
    });
    const controller = new Controller({ aws });
    await controller.converge(off, user);
    expect(usable(user)).toEqual([]);
    expect([...user.tags.values()].every((value) => value.length <= 256)).toBe(true);
    expect(
      [...user.tags.keys()].filter((key) => key.startsWith('aws.idhub.io/disabled')).length,
    ).toBeGreaterThan(2);
    await controller.converge(on, user);
    expect(usable(user)).toEqual(services);
    expect([...user.tags.keys()]).toEqual(['aws.idhub.io/owner']);
  });

  test('an aborted signal ends it at once', async () => {
    const { aws } = begin(plain);
    const stop = new AbortController();
    aws.refuse = ({ operation }) => {
      if (operation === 'DeleteLoginProfile') {
        stop.abort(new Error('the lease is lost'));
        return 'unreachable';
      }
      return undefined;
    };
    await expect(
      disableUser(aws, aws.observe('jo'), {
        signal: stop.signal,
        disableWith: 'DenyPolicy',
        partition: 'aws',
        audit: false,
      }),
    ).rejects.toThrow('the lease is lost');
    expect(aws.count('UpdateAccessKey')).toBe(0);
  });

  test('the Deny of another partition is that partition’s', async () => {
    const { aws, user } = begin({ ...plain, inlineQuotaFull: true });
    await disableUser(aws, aws.observe('jo'), {
      ...options,
      disableWith: 'DenyPolicy',
      partition: 'aws-cn',
      audit: false,
    });
    expect(user.attached.has('arn:aws-cn:iam::aws:policy/AWSDenyAll')).toBe(true);
    expect(aws.observe('jo').deny).toBe('managed');
  });
});

describe('enable', () => {
  test('access keys stay off where the connection does not allow programmatic access, and it is said', async () => {
    const aws = new FakeAws();
    const user = furnish(aws);
    const controller = new Controller({ aws, accessKeys: false });
    await controller.converge(off, user);
    const { outcome } = await controller.pass(on, user);
    expect(usable(user)).toEqual([
      'APKA0000000000000001',
      'CERT00000000000000000001',
      'ACCA0000000000000001',
    ]);
    expect(outcome.notes.join()).toMatch(
      /access key AKIA0000000000000001 stays Inactive.*enableProgrammaticAccess/,
    );
  });

  test('what was deleted meanwhile is said, and keeps nothing else from coming back', async () => {
    const { user, controller } = begin(plain);
    await controller.converge(off, user);
    user.ssh.delete('APKA0000000000000001');
    const { outcome } = await controller.pass(on, user);
    expect(outcome.notes.join()).toMatch(/SSH public key APKA0000000000000001 was removed meanwhile/);
    expect(usable(user)).toHaveLength(3);
    expect(user.inline.size).toBe(0);
  });

  test('a user that is not disabled is left as it is', async () => {
    const { aws, user, controller } = begin(plain);
    await controller.pass(on, user);
    expect(aws.calls).toEqual([]);
  });
});
