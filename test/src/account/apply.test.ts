import { inlinePolicy } from '../../../src/entitlement/index.ts';
import { describe, expect, test } from '@jest/globals';
import {
  applySteps,
  createUser,
  ownerTag,
  readUser,
  type ApplyOptions,
  type ObservedUser,
  type Step,
} from '../../../src/account/index.ts';
import { FakeAws } from '../fake-aws.ts';
import { boundary, observed } from './material.ts';
import { options } from './world.ts';

function ledger(): { readonly seen: ObservedUser[]; readonly options: ApplyOptions } {
  const seen: ObservedUser[] = [];
  return {
    seen,
    options: {
      ...options,
      partition: 'aws',
      disableWith: 'DenyPolicy',
      accessKeys: false,
      ledger: { record: (user) => seen.push(user), doubt: () => undefined, forget: () => undefined },
    },
  };
}

describe('a new user', () => {
  test('is made in one call, with its owner, its tags, its path and its boundary', async () => {
    const aws = new FakeAws();
    const { seen, options: apply } = ledger();
    const tags = new Map([
      [ownerTag, 'inst/ns/jo'],
      ['city', 'Berlin'],
    ]);
    const made = await createUser(aws, { userName: 'jo', path: '/people/', tags, boundary }, apply);
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['CreateUser']);
    expect(made).toEqual(aws.observe('jo'));
    expect(seen).toEqual([made]);
  });

  test('names neither path nor boundary where none is asked for', async () => {
    const aws = new FakeAws();
    await createUser(
      aws,
      { userName: 'jo', path: undefined, tags: new Map(), boundary: undefined },
      ledger().options,
    );
    expect(aws.calls[0]?.input).toEqual({ UserName: 'jo', Tags: [] });
  });

  test('of a name that is taken in other case is refused, and nothing is recorded', async () => {
    const aws = new FakeAws();
    aws.add('JO');
    const { seen, options: apply } = ledger();
    await expect(
      createUser(aws, { userName: 'jo', path: undefined, tags: new Map(), boundary: undefined }, apply),
    ).rejects.toMatchObject({ kind: 'alreadyExists' });
    expect(seen).toEqual([]);
  });
});

describe('steps', () => {
  const everything: readonly Step[] = [
    { do: 'rename', to: 'joan' },
    { do: 'move', path: '/people/' },
    { do: 'putBoundary', arn: boundary },
    { do: 'untag', keys: ['OLD'] },
    {
      do: 'tag',
      tags: [
        { key: 'city', value: 'Bonn' },
        { key: 'team', value: 'a' },
      ],
    },
    { do: 'disable', audit: false },
    { do: 'enable' },
    { do: 'deleteBoundary' },
  ];

  function begin(): FakeAws {
    const aws = new FakeAws();
    aws.add('jo', {
      tags: new Map([
        ['old', '1'],
        ['city', 'Berlin'],
        ['foreign', 'x'],
      ]),
    });
    return aws;
  }

  test('what is recorded after each is what AWS has', async () => {
    for (let count = 0; count <= everything.length; count += 1) {
      const aws = begin();
      const { seen, options: apply } = ledger();
      const outcome = await applySteps(aws, aws.observe('jo'), everything.slice(0, count), apply);
      const there = aws.users[0]?.userName ?? '';
      const sorted = (user: ObservedUser) => ({
        ...user,
        inlinePolicies: [],
        tags: user.tags.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
      });
      expect(sorted(outcome.user)).toEqual(sorted(aws.observe(there)));
      expect(seen).toHaveLength(count);
      expect(outcome).toMatchObject({ done: everything.slice(0, count).map((step) => step.do), refused: [] });
    }
  });

  test('done twice they are harmless', async () => {
    const aws = begin();
    const steps = everything.filter((step) => step.do !== 'rename' && step.do !== 'deleteBoundary');
    await applySteps(aws, aws.observe('jo'), steps, ledger().options);
    const once = aws.observe('jo');
    await applySteps(aws, aws.observe('jo'), steps, ledger().options);
    expect(aws.observe('jo')).toEqual(once);
  });

  test.each(['accessDenied', 'limitExceeded', 'invalid', 'alreadyExists'] as const)(
    'one that is refused for good (%s) is reported, and the others are done',
    async (kind) => {
      const aws = begin();
      aws.refuse = ({ operation }) => (operation === 'PutUserPermissionsBoundary' ? kind : undefined);
      const outcome = await applySteps(aws, aws.observe('jo'), everything.slice(0, 5), ledger().options);
      expect(outcome.done).toEqual(['rename', 'move', 'untag', 'tag']);
      expect(outcome.refused).toMatchObject([{ step: 'putBoundary', error: { kind } }]);
      expect(outcome.user.boundary).toBeUndefined();
    },
  );

  test.each(['throttled', 'temporary', 'unreachable', 'service', 'badCredentials', 'notFound'] as const)(
    'one that meets a fault that passes (%s) ends the run, with what was done recorded',
    async (kind) => {
      const aws = begin();
      aws.refuse = ({ operation }) => (operation === 'PutUserPermissionsBoundary' ? kind : undefined);
      const { seen, options: apply } = ledger();
      await expect(applySteps(aws, aws.observe('jo'), everything, apply)).rejects.toMatchObject({ kind });
      expect(seen.at(-1)).toMatchObject({ userName: 'joan', path: '/people/' });
    },
  );
});

describe('a live look', () => {
  test('shows what GetUser carries, and takes the rest from the reading of the same id', async () => {
    const aws = new FakeAws();
    const { userId } = aws.add('jo', { tags: new Map([['city', 'Bonn']]), boundary, path: '/x/' });
    const known = observed({
      userId,
      deny: 'inline',
      groups: ['people'],
      inlinePolicies: [inlinePolicy('x', '{}')],
      passwordLastUsed: 7,
    });
    expect(await readUser(aws, 'JO', known, options)).toEqual({
      ...aws.observe('jo'),
      deny: 'inline',
      groups: ['people'],
      inlinePolicies: [inlinePolicy('x', '{}')],
      passwordLastUsed: 7,
    });
    const other = { ...known, userId: 'AIDAOTHER' };
    expect(await readUser(aws, 'jo', other, options)).toEqual(aws.observe('jo'));
  });

  test('of a name that is not there is undefined; any other fault is thrown', async () => {
    const aws = new FakeAws();
    expect(await readUser(aws, 'jo', undefined, options)).toBeUndefined();
    aws.refuse = () => 'accessDenied';
    await expect(readUser(aws, 'jo', undefined, options)).rejects.toMatchObject({ kind: 'accessDenied' });
  });
});
