import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/account/index.ts';
import { passwordEntry, passwordSecret } from '../../../../operator/directory/writes/password.ts';
import { noteOf } from '../../../../operator/directory/writes/note.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { readOnly, Rig } from './rig.ts';

const dev = { type: 'Group', name: 'Dev' } as const;
const ops = { type: 'Group', name: 'Ops' } as const;
const billing = 'arn:aws:iam::aws:policy/job-function/Billing';
const password = { kind: 'given', password: 'Sunny-Day-1' } as const;
const own = { type: 'InlinePolicy', name: 'own' } as const;

function refused(kind: string, message: RegExp): object {
  return { kind: 'refused', refusal: { kind, message: expect.stringMatching(message) } };
}

/** The end of a request that may not come in time. */
async function asked(request: Promise<unknown>): Promise<unknown> {
  return request.catch((error: unknown) => error);
}

describe('what is taken back is not over before AWS is as it was', () => {
  test('of a user that nobody declared: what passes is waited for, however long', async () => {
    const rig = new Rig();
    rig.aws.add('jo');
    await rig.start();
    const before = rig.picture('jo');
    let throttled = true;
    rig.aws.refuse = ({ operation }) =>
      operation === 'AttachUserPolicy'
        ? 'accessDenied'
        : operation === 'RemoveUserFromGroup' && throttled
          ? 'throttled'
          : undefined;
    await asked(rig.change('jo', { entitlements: { add: [dev, { arn: readOnly }], remove: [] } }));
    await rig.rounds(80);
    expect([...rig.user('jo').groups]).toEqual(['Dev']);
    expect(rig.accounts()).toHaveLength(1);
    throttled = false;
    await rig.rounds(80);
    expect(rig.picture('jo')).toEqual(before);
    expect([rig.accounts(), rig.bindings()]).toEqual([[], []]);
  });

  test('of an object whose other entries are not well: what was taken is given back', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { groups: new Set(['Ops']) });
    const entitlements = [{ type: 'AwsManagedPolicy', arn: billing } as const];
    rig.apply('jo', { adoptionPolicy: 'IfUnowned', entitlements });
    await rig.start();
    let given = 0;
    rig.aws.refuse = ({ operation, input }) => {
      if (operation === 'AddUserToGroup' && input['GroupName'] === 'Ops') {
        given += 1;
        return given <= 3 ? 'throttled' : undefined;
      }
      return operation === 'AttachUserPolicy' || operation === 'AddUserToGroup' ? 'accessDenied' : undefined;
    };
    await rig.rounds(10);
    const outcome = await rig.change('jo', { entitlements: { add: [dev], remove: [ops] } });
    expect(outcome).toEqual(refused('forbidden', /Group Dev/));
    expect([...rig.user('jo').groups]).toEqual(['Ops']);
    expect(rig.account('jo').spec.entitlements).toEqual(entitlements);
    expect(rig.note('jo')).toBeUndefined();
  });

  test('what AWS refuses to give back ends it after a while', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { groups: new Set(['Ops']) });
    await rig.start();
    rig.aws.refuse = ({ operation }) =>
      operation === 'AddUserToGroup' || operation === 'AttachUserPolicy' ? 'accessDenied' : undefined;
    await asked(rig.change('jo', { entitlements: { add: [{ arn: readOnly }], remove: [ops] } }));
    expect(rig.accounts()).toHaveLength(1);
    // Each round writes: the clock has to be moved.
    await rig.clock.advance(31_000);
    await rig.rounds(10);
    expect(rig.accounts()).toEqual([]);
  });
});

describe('what nobody could give back is taken when all else is done', () => {
  const inline = new Map([['own', '{"Version":"2012-10-17","Statement":[]}']]);

  test('and not where something else is refused', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { inline: new Map(inline), groups: new Set(['Dev']) });
    await rig.start();
    const before = rig.picture('jo');
    rig.aws.refuse = ({ operation }) => (operation === 'AttachUserPolicy' ? 'accessDenied' : undefined);
    const remove = [own, dev];
    const outcome = await rig.change('jo', { entitlements: { add: [{ arn: readOnly }], remove } });
    expect(outcome).toEqual(refused('forbidden', /ReadOnlyAccess/));
    await rig.calm();
    expect(rig.picture('jo')).toEqual(before);
  });

  test('with the rest, where AWS takes all of it', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { inline: new Map(inline), groups: new Set(['Dev']) });
    await rig.start();
    const write = { attributes: { city: 'Ulm' }, entitlements: { add: [], remove: [own, dev] } };
    expect(await rig.change('jo', write)).toMatchObject({ kind: 'done', account: { entitlements: [] } });
    expect(rig.user('jo').inline.size).toBe(0);
    expect(rig.note('jo')).toBeUndefined();
  });

  test('not with a password', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { inline: new Map(inline) });
    await rig.start();
    const outcome = await rig.change('jo', { password, entitlements: { add: [], remove: [own] } });
    expect(outcome).toEqual(refused('invalidValue', /two requests/));
    expect(rig.cluster.writes).toEqual([]);
  });
});

describe('entitlements', () => {
  test('are swapped where a user has as many as it can have', async () => {
    const rig = new Rig();
    const names = Array.from({ length: 10 }, (_, index) => `G${index}`);
    names.forEach((name) => rig.aws.groups.set(name, '/'));
    rig.aws.add('jo', { groups: new Set(names) });
    await rig.start();
    const remove = [{ type: 'Group', name: 'G0' } as const];
    expect(await rig.change('jo', { entitlements: { add: [dev], remove } })).toMatchObject({ kind: 'done' });
    expect([...rig.user('jo').groups].sort()).toEqual(['Dev', ...names.slice(1)]);
    expect(await rig.change('jo', { entitlements: { add: [ops], remove } })).toEqual(
      refused('quota', /10 groups/),
    );
  });

  test('whose time is over are given without an end', async () => {
    const rig = new Rig();
    rig.aws.add('jo');
    const expiresAt = '2000-01-01T00:00:00Z';
    rig.apply('jo', { adoptionPolicy: 'IfUnowned', entitlements: [{ ...dev, expiresAt }] });
    await rig.start();
    await rig.rounds(10);
    expect(await rig.change('jo', { entitlements: { add: [dev], remove: [] } })).toMatchObject({
      kind: 'done',
    });
    expect([...rig.user('jo').groups]).toEqual(['Dev']);
    expect(rig.account('jo').spec.entitlements).toEqual([dev]);
  });
});

describe('a password is not lost', () => {
  test.each([
    ['of a new account', true],
    ['of one that is there', false],
  ])('%s to who brings it again after the first was killed', async (_name, made) => {
    const rig = await new Rig().start();
    if (!made) {
      rig.aws.add('jo');
      await rig.read();
    }
    const ask = () => (made ? rig.create('jo', { password }) : rig.change('jo', { password }));
    // The process dies before it makes the Secret.
    rig.cluster.writesUntilCrash = 1;
    await asked(ask());
    await rig.start();
    await rig.rounds(2);
    // While the Secret is being made again, the finisher looks at the write.
    expect(await ask()).toMatchObject({ kind: 'done' });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
    expect(rig.secrets().filter(({ data }) => data?.[passwordEntry] !== undefined)).toEqual([]);
  });

  test('while its Secret takes its time', async () => {
    const rig = await new Rig().start();
    rig.cluster.writesUntilCrash = 1;
    await asked(rig.create('jo', { password }));
    await rig.start();
    await rig.rounds(3);
    const { client } = rig.cluster;
    const create = client.create.bind(client);
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    client.create = async (type, object, options) => {
      await held;
      return create(type, object, options);
    };
    let rounds = 0;
    rig.meanwhile = () => {
      rounds += 1;
      if (rounds === 8) {
        go();
      }
    };
    expect(await rig.create('jo', { password })).toMatchObject({ kind: 'done' });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
    expect(rig.secrets().map(({ metadata }) => metadata.name)).not.toContain(
      passwordSecret(noteOf(rig.account('jo'))?.id ?? ''),
    );
  });
});

describe('an answer that was lost', () => {
  test('of an operation is given again to the same request only', async () => {
    const rig = await new Rig().start();
    const context = { operationId: 'op-1' };
    await rig.create('jo', { attributes: { city: 'Ulm' } }, context);
    await rig.start();
    expect(await rig.create('jo', { attributes: { city: 'Bonn' } }, context)).toEqual(
      refused('uniqueness', /jo/),
    );
    expect(await rig.create('jo', { attributes: { city: 'Ulm' } }, context)).toMatchObject({ kind: 'done' });
    await rig.clock.advance(8 * 86_400_000);
    await rig.read();
    expect(await rig.create('jo', { attributes: { city: 'Ulm' } }, context)).toEqual(
      refused('uniqueness', /jo/),
    );
  });

  test('since nobody could say what is there is given when somebody can', async () => {
    const rig = await new Rig().start();
    const latest = rig.views.latest.bind(rig.views);
    let failing = false;
    rig.views.latest = (name) => {
      if (failing) {
        throw new ApiError({ code: 503, reason: 'ServiceUnavailable', message: 'no view' });
      }
      return latest(name);
    };
    rig.meanwhile = () => {
      failing = true;
    };
    const first = await asked(rig.create('jo', {}));
    expect(first).toBeInstanceOf(Error);
    failing = false;
    rig.meanwhile = () => undefined;
    expect(await rig.create('jo', {})).toMatchObject({ kind: 'done', account: { userName: 'jo' } });
  });
});

describe('a write comes to its end', () => {
  test('where others change what it asked for, however the rest of the account is', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', {
      attributes: { mail: 'a@example.org' },
      entitlements: [{ type: 'Group', name: 'Nobody' }],
    });
    await rig.rounds(20);
    rig.aws.refuse = ({ operation }) => (operation === 'TagUser' ? 'throttled' : undefined);
    let times = 0;
    rig.meanwhile = () => {
      times += 1;
      if (times === 2) {
        const { spec } = rig.account('jo');
        rig.apply('jo', { ...spec, attributes: { mail: 'a@example.org' } });
        rig.aws.refuse = () => undefined;
      }
    };
    expect(await rig.change('jo', { attributes: { mail: 'b@example.org' } })).toEqual(
      refused('conflict', /does not say any more what was asked for/),
    );
    expect(rig.note('jo')).toBeUndefined();
  });

  test('a disable, where others say that the account is enabled: it is not', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', {});
    await rig.calm();
    rig.aws.refuse = ({ operation }) => (operation === 'PutUserPolicy' ? 'throttled' : undefined);
    let times = 0;
    rig.meanwhile = () => {
      times += 1;
      if (times === 2) {
        rig.apply('jo', { ...rig.account('jo').spec, enabled: true });
        rig.aws.refuse = () => undefined;
      }
    };
    expect(await rig.change('jo', { active: false })).toMatchObject({
      kind: 'done',
      account: { active: false },
    });
  });

  test('at the latest after a quarter of an hour', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', {});
    await rig.calm();
    rig.aws.refuse = ({ operation }) => (operation === 'AddUserToGroup' ? 'throttled' : undefined);
    const write = { entitlements: { add: [dev], remove: [] } };
    expect(await rig.change('jo', write)).toMatchObject({ kind: 'pending' });
    await rig.clock.advance(900_000);
    await rig.rounds(20);
    expect(rig.note('jo')).toBeUndefined();
    expect(rig.account('jo').spec.entitlements).toBeUndefined();
  });

  test('a password that AWS refuses, also of an account that is not well', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', { entitlements: [{ type: 'Group', name: 'Nobody' }] });
    await rig.rounds(20);
    rig.aws.passwordPolicy = { MinimumPasswordLength: 20, AllowUsersToChangePassword: true };
    const outcome = await rig.change('jo', { password });
    expect(outcome).toEqual(refused('invalidValue', /^AWS refuses the password \(.*\)\.$/));
    expect(rig.secrets()).toEqual([]);
    expect(rig.note('jo')).toBeUndefined();
  });

  test('well, where the account had another problem before', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', {});
    await rig.calm();
    rig.aws.refuse = ({ operation }) => (operation === 'UpdateUser' ? 'accessDenied' : undefined);
    rig.apply('jo', { path: '/no/' });
    await rig.rounds(20);
    // Its binding is late.
    let refusing = true;
    rig.aws.refuse = ({ operation }) =>
      operation === 'UpdateUser'
        ? 'accessDenied'
        : operation === 'AddUserToGroup' && refusing
          ? 'throttled'
          : undefined;
    rig.meanwhile = () => {
      refusing = (rig.account('jo').status?.observedOperation ?? '') === '';
    };
    const write = { entitlements: { add: [dev], remove: [] } };
    expect(await rig.change('jo', write)).toMatchObject({ kind: 'done' });
    expect(await rig.change('jo', { password })).toMatchObject({ kind: 'done' });
    expect(await rig.change('jo', { attributes: { city: 'Ulm' }, path: '/no/' })).toEqual(
      refused('forbidden', /AccessDenied/),
    );
  });

  test('an entry that somebody has changed meanwhile stays theirs', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { groups: new Set(['Dev']) });
    rig.apply('jo', { adoptionPolicy: 'IfUnowned' });
    await rig.start();
    await rig.calm();
    rig.aws.refuse = ({ operation }) => (operation === 'AttachUserPolicy' ? 'accessDenied' : undefined);
    const theirs = { ...dev, state: 'Absent', onDelete: 'Revoke' } as const;
    let changed = false;
    rig.meanwhile = () => {
      const { spec } = rig.account('jo');
      if (!changed && spec.entitlements !== undefined) {
        changed = true;
        const entitlements = spec.entitlements.map((each) => (each.name === 'Dev' ? theirs : each));
        rig.apply('jo', { ...spec, entitlements });
      }
    };
    await rig.change('jo', { entitlements: { add: [{ arn: readOnly }], remove: [dev] } });
    await rig.rounds(60);
    expect(rig.account('jo').spec.entitlements).toEqual([theirs]);
    expect([...rig.user('jo').groups]).toEqual([]);
  });

  test('a user that another owner has is not deleted through an object that observes it', async () => {
    const rig = new Rig();
    rig.aws.add('jo');
    rig.apply('jo', { management: 'Observe' });
    await rig.start();
    rig.user('jo').tags.set(ownerTag, 'other/ns/jo');
    await rig.read();
    await rig.calm();
    expect(await rig.remove('jo')).toEqual(refused('mutability', /other\/ns\/jo/));
    expect(await rig.change('jo', { active: false })).toEqual(refused('mutability', /other\/ns\/jo/));
    expect(rig.account('jo').spec.management).toBe('Observe');
  });
});
