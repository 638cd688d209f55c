import { describe, expect, test } from '@jest/globals';
import {
  desiredTags,
  memoryOfNew,
  ownerTag,
  reportedAttributes,
  sameApplied,
  tagsOfNew,
  type Plan,
} from '../../../src/account/index.ts';
import type { SyncDirection } from '../../../src/schema/index.ts';
import { awsAccount, boundary, declare, observed, owner, rulesWith } from './material.ts';
import {
  cityIs,
  long,
  longParts,
  mark,
  partsAs,
  plan,
  remembering,
  tagsOf,
  writtenAs,
  type Given,
} from './given.ts';

interface Row extends Given {
  readonly title: string;
  readonly steps: Plan['steps'];
  readonly differences?: readonly string[];
}

const disabledTags = tagsOf({ 'aws.idhub.io/disabled': 'v1 console' });

const rows: readonly Row[] = [
  { title: 'nothing differs', applied: {}, steps: [] },
  { title: 'nothing differs and nothing is remembered', steps: [] },
  {
    title: 'the owner tag was stripped',
    applied: {},
    user: { tags: [] },
    steps: [{ do: 'tag', tags: [mark] }],
    differences: ['tags'],
  },
  {
    title: 'a rename that the spec asks for',
    applied: {},
    declared: { userName: 'joan' },
    steps: [{ do: 'rename', to: 'joan' }],
    differences: ['userName'],
  },
  { title: 'a rename in AWS, which is followed', applied: {}, user: { userName: 'joan' }, steps: [] },
  {
    title: 'a rename in AWS to what the spec says by now',
    applied: {},
    declared: { userName: 'joan' },
    user: { userName: 'joan' },
    steps: [],
  },
  {
    title: 'a rename in AWS, and a third name in the spec',
    applied: {},
    declared: { userName: 'johanna' },
    user: { userName: 'joan' },
    steps: [{ do: 'rename', to: 'johanna' }],
    differences: ['userName'],
  },
  { title: 'a name of other case', applied: {}, declared: { userName: 'JO' }, steps: [] },
  {
    title: 'another name and no memory: the present is the baseline',
    declared: { userName: 'joan' },
    steps: [],
  },
  { title: 'no path is asked for', applied: {}, user: { path: '/people/' }, steps: [] },
  {
    title: 'another path',
    applied: {},
    declared: { path: '/people/' },
    steps: [{ do: 'move', path: '/people/' }],
    differences: ['path'],
  },
  {
    title: 'a boundary that is missing',
    applied: { boundary },
    declared: { boundary },
    steps: [{ do: 'putBoundary', arn: boundary }],
    differences: ['permissionsBoundary'],
  },
  {
    title: 'a boundary that somebody changed',
    applied: { boundary },
    declared: { boundary },
    user: { boundary: `${boundary}2` },
    steps: [{ do: 'putBoundary', arn: boundary }],
    differences: ['permissionsBoundary'],
  },
  { title: 'a boundary that is right', applied: {}, declared: { boundary }, user: { boundary }, steps: [] },
  {
    title: 'a boundary of ours that was cleared in the spec',
    applied: { boundary },
    user: { boundary },
    steps: [{ do: 'deleteBoundary' }],
    differences: ['permissionsBoundary'],
  },
  { title: 'a boundary of ours that is gone already', applied: { boundary }, steps: [] },
  {
    title: 'a boundary of ours that somebody replaced, and that was cleared in the spec',
    applied: { boundary },
    user: { boundary: `${boundary}2` },
    steps: [],
  },
  { title: 'a boundary that somebody else set', applied: {}, user: { boundary }, steps: [] },
  { title: 'a boundary, and no memory of whose it is', user: { boundary }, steps: [] },
  {
    title: 'to be disabled',
    applied: {},
    declared: { enabled: false },
    steps: [{ do: 'disable', audit: false }],
    differences: ['enabled'],
  },
  {
    title: 'disabled, with the Deny removed by somebody',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags },
    steps: [{ do: 'disable', audit: false }],
    differences: ['enabled'],
  },
  {
    title: 'disabled, with the Deny changed by somebody',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags, deny: 'altered' },
    steps: [{ do: 'disable', audit: false }],
    differences: ['enabled'],
  },
  {
    title: 'disabled',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags, deny: 'inline' },
    steps: [],
  },
  {
    title: 'disabled by AWSDenyAll',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags, deny: 'managed' },
    steps: [],
  },
  {
    title: 'disabled, with credentials only',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags },
    rules: rulesWith([], { disableWith: 'CredentialsOnly' }),
    steps: [],
  },
  {
    title: 'disabled, its credentials to be looked at again',
    applied: {},
    declared: { enabled: false },
    user: { tags: disabledTags, deny: 'inline' },
    auditDue: true,
    steps: [{ do: 'disable', audit: true }],
    differences: [],
  },
  { title: 'enabled, and an audit has no business with it', applied: {}, auditDue: true, steps: [] },
  {
    title: 'to be enabled',
    applied: {},
    user: { tags: disabledTags, deny: 'inline' },
    steps: [{ do: 'enable' }],
    differences: ['enabled'],
  },
  {
    title: 'to be enabled, its memory gone',
    applied: {},
    user: { deny: 'inline' },
    steps: [{ do: 'enable' }],
    differences: ['enabled'],
  },
  {
    title: 'to be enabled, with our Deny changed by somebody',
    applied: {},
    user: { deny: 'altered' },
    steps: [{ do: 'enable' }],
    differences: ['enabled'],
  },
  { title: 'AWSDenyAll that is somebody else’s', applied: {}, user: { deny: 'managed' }, steps: [] },
  {
    title: 'everything at once, in the order in which it is safe',
    applied: { tags: ['old'], boundary },
    declared: { enabled: false, userName: 'joan', path: '/x/', attributes: { city: 'Berlin' } },
    user: { boundary, tags: tagsOf({ old: '1' }) },
    steps: [
      { do: 'disable', audit: false },
      { do: 'rename', to: 'joan' },
      { do: 'move', path: '/x/' },
      { do: 'deleteBoundary' },
      { do: 'untag', keys: ['old'] },
      { do: 'tag', tags: [{ key: 'city', value: 'Berlin' }] },
    ],
    differences: ['enabled', 'userName', 'path', 'permissionsBoundary', 'tags'],
  },
  {
    title: 'enabled last, when everything else is as it should be',
    applied: {},
    declared: { userName: 'joan' },
    user: { tags: disabledTags, deny: 'inline' },
    steps: [{ do: 'rename', to: 'joan' }, { do: 'enable' }],
    differences: ['userName', 'enabled'],
  },
];

describe('the steps from what a user is to what is declared', () => {
  test.each(rows)('$title', ({ steps, differences, ...given }) => {
    const made = plan(given);
    expect(made.steps).toEqual(steps);
    expect(made.differences).toEqual(differences ?? []);
    expect(made.problems).toEqual([]);
  });
});

const spec = { city: 'Berlin' };

/** What the plan does to the tag of the attribute: its new value, or that it goes. */
function onCity({ steps }: Plan): string | undefined {
  for (const step of steps) {
    if (step.do === 'tag') {
      return step.tags.find(({ key }) => key === 'city')?.value;
    }
    if (step.do === 'untag' && step.keys.includes('city')) {
      return '(removed)';
    }
  }
  return undefined;
}

describe('who leads for an attribute', () => {
  test.each<[string, SyncDirection, Given, string | undefined]>([
    ['absent in AWS', 'idhub-to-app', { applied: {}, declared: { attributes: spec } }, 'Berlin'],
    [
      'changed in AWS',
      'idhub-to-app',
      {
        applied: { tags: ['city'] },
        declared: { attributes: spec },
        user: { tags: tagsOf({ city: 'Bonn' }) },
      },
      'Berlin',
    ],
    [
      'no longer declared',
      'idhub-to-app',
      { applied: { tags: ['city'] }, user: { tags: tagsOf({ city: 'Berlin' }) } },
      '(removed)',
    ],
    ['never declared', 'idhub-to-app', { applied: {}, user: { tags: tagsOf({ city: 'Bonn' }) } }, undefined],
    ['absent in AWS', 'app-to-idhub', { applied: {}, declared: { attributes: spec } }, undefined],
    [
      'other in AWS',
      'app-to-idhub',
      { applied: {}, declared: { attributes: spec }, user: { tags: tagsOf({ city: 'Bonn' }) } },
      undefined,
    ],
    ['absent in AWS', 'no-sync', { applied: {}, declared: { attributes: spec } }, undefined],
    [
      'other in AWS',
      'no-sync',
      { applied: {}, declared: { attributes: spec }, user: { tags: tagsOf({ city: 'Bonn' }) } },
      undefined,
    ],
    [
      'changed in the spec',
      'bi-directional',
      {
        applied: { tags: ['city'], written: writtenAs('Bonn') },
        declared: { attributes: spec },
        user: { tags: tagsOf({ city: 'Bonn' }) },
      },
      'Berlin',
    ],
    [
      'changed in the spec and in AWS',
      'bi-directional',
      {
        applied: { tags: ['city'], written: writtenAs('Bonn') },
        declared: { attributes: spec },
        user: { tags: tagsOf({ city: 'Ulm' }) },
      },
      'Berlin',
    ],
    [
      'changed in AWS',
      'bi-directional',
      {
        applied: { tags: ['city'], written: writtenAs('Berlin') },
        declared: { attributes: spec },
        user: { tags: tagsOf({ city: 'Ulm' }) },
      },
      undefined,
    ],
    [
      'removed in AWS',
      'bi-directional',
      { applied: { tags: ['city'], written: writtenAs('Berlin') }, declared: { attributes: spec } },
      undefined,
    ],
    [
      'removed in the spec',
      'bi-directional',
      { applied: { tags: ['city'], written: writtenAs('Berlin') }, user: { tags: tagsOf({ city: 'Ulm' }) } },
      '(removed)',
    ],
    [
      'with no memory',
      'bi-directional',
      { declared: { attributes: spec }, user: { tags: tagsOf({ city: 'Ulm' }) } },
      undefined,
    ],
  ])('%s, %s', (_, direction, given, expected) => {
    expect(onCity(plan({ ...given, rules: cityIs(direction) }))).toBe(expected);
  });

  test('a new user gets what idhub leads for or shares the lead, and nothing else', () => {
    const rules = rulesWith([
      { name: 'city', syncDirection: 'bi-directional' },
      { name: 'country', syncDirection: 'app-to-idhub' },
      { name: 'state', syncDirection: 'no-sync' },
    ]);
    const attributes = { city: 'Berlin', country: 'DE', state: 'BE', surname: "O'Brien" };
    const { tags, problems } = desiredTags(declare({ attributes }), owner, rules, undefined, undefined);
    expect(problems).toEqual([]);
    expect(Object.fromEntries(tags)).toEqual({
      [ownerTag]: 'inst/ns/jo',
      city: 'Berlin',
      surname: 'idhub:1/1:O=27Brien',
    });
  });

  test('AWS’s values are reported where AWS leads or shares the lead', () => {
    const { schema } = rulesWith([
      { name: 'city', syncDirection: 'bi-directional' },
      { name: 'country', syncDirection: 'app-to-idhub' },
      { name: 'state', syncDirection: 'no-sync' },
      { name: 'streetAddress', syncDirection: 'app-to-idhub' },
    ]);
    const tags = tagsOf({
      city: 'Bonn',
      country: 'idhub:1/1:x=27',
      state: 'x',
      mail: 'a@b',
      ...partsAs('streetAddress', longParts),
    });
    expect(reportedAttributes(schema, tags)).toEqual({ city: 'Bonn', country: "x'", streetAddress: long });
  });
});

describe('long values', () => {
  test('go over several tags, and the parts that are too many go when the value becomes shorter', () => {
    const before = partsAs('streetAddress', longParts);
    const given: Given = {
      applied: { tags: Object.keys(before) },
      declared: { attributes: { streetAddress: "O'Brien St." } },
      user: { tags: tagsOf(before) },
    };
    expect(longParts.length).toBeGreaterThan(2);
    expect(plan(given).steps).toEqual([
      { do: 'untag', keys: Object.keys(before).slice(1) },
      { do: 'tag', tags: [{ key: 'streetAddress', value: 'idhub:1/1:O=27Brien St.' }] },
    ]);
    // Also where the memory of them was lost: the mark says whose they are.
    expect(plan({ ...given, applied: undefined }).steps).toEqual(plan(given).steps);
  });

  test('a foreign tag that looks like a part by its key stays', () => {
    const given: Given = {
      applied: { tags: ['streetAddress'] },
      declared: { attributes: { streetAddress: 'Short' } },
      user: { tags: tagsOf({ streetAddress: 'Short', 'streetAddress.2': 'second home' }) },
    };
    expect(plan(given).steps).toEqual([]);
  });
});

describe('what cannot be done as asked', () => {
  test('an attribute that the schema refuses: no attribute is touched, the rest is done', () => {
    const made = plan({
      applied: { tags: ['city', 'mail'] },
      declared: { attributes: { shoeSize: '43', city: 'Berlin' }, path: '/x/' },
      user: { tags: tagsOf({ city: 'Bonn', mail: 'a@b' }) },
    });
    expect(made.problems).toMatchObject([
      { reason: 'InvalidAttribute', message: expect.stringContaining('"shoeSize"') },
    ]);
    expect(made.steps).toEqual([{ do: 'move', path: '/x/' }]);
    expect(made.after.tags).toEqual(['city', 'mail']);
  });

  test.each([
    ['the same key', { city: 'Bonn' }],
    ['the same key and value', { city: 'Berlin' }],
    ['the same key in other case', { CITY: 'Berlin' }],
  ])('a tag that is an attribute’s too, by %s', (_, tags) => {
    const made = plan({ applied: {}, declared: { attributes: spec, tags } });
    expect(made.problems).toMatchObject([
      { reason: 'InvalidTags', message: expect.stringContaining('("city")') },
    ]);
  });

  test('a foreign tag in other case stays, and is said', () => {
    const made = plan({
      applied: {},
      declared: { tags: { dept: '1', team: 'a' } },
      user: { tags: tagsOf({ Dept: 'x' }) },
    });
    expect(made.problems).toMatchObject([
      { reason: 'TagConflict', message: expect.stringContaining('"Dept"') },
    ]);
    expect(made.steps).toEqual([{ do: 'tag', tags: [{ key: 'team', value: 'a' }] }]);
    expect(made.after.tags).toEqual(['team']);
  });

  test('a protected tag is never written or removed, and never becomes ours', () => {
    const rules = rulesWith([], { protectedTags: ['Team', 'access'] });
    const made = plan({
      rules,
      applied: { tags: ['access'] },
      declared: { tags: { team: 'b' } },
      user: { tags: tagsOf({ team: 'a', access: 'x' }) },
    });
    expect(made.steps).toEqual([]);
    expect(made.problems).toMatchObject([
      { reason: 'TagConflict', message: expect.stringContaining('protected') },
    ]);
    expect(made.after.tags).toEqual([]);
    const desired = desiredTags(declare({ tags: { team: 'b', x: '1' } }), owner, rules, undefined, undefined);
    expect([...tagsOfNew(desired, rules).keys()]).toEqual([ownerTag, 'x']);
  });

  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`foreign${index}`, '']));

  test.each([
    [48, false],
    [49, true],
  ])('%i foreign tags, our mark and one more: too many is %s, and the count is said', (count, refused) => {
    const made = plan({
      applied: {},
      declared: { tags: { team: 'a' } },
      user: { tags: tagsOf(many(count)) },
    });
    expect(made.problems.map(({ reason }) => reason)).toEqual(refused ? ['TooManyTags'] : []);
    expect(made.steps.some((step) => step.do === 'tag')).toBe(!refused);
    if (refused) {
      expect(made.problems[0]?.message).toMatch(/would carry 51 tags, and IAM allows 50/);
      expect(made.after.tags).toEqual([]);
    }
  });

  test('50 tags are no matter where none is added', () => {
    const made = plan({
      applied: { tags: ['team'] },
      declared: { tags: { team: 'b' } },
      user: { tags: tagsOf({ ...many(48), team: 'a' }) },
    });
    expect(made.problems).toEqual([]);
    expect(made.steps).toEqual([{ do: 'tag', tags: [{ key: 'team', value: 'b' }] }]);
  });

  test('a name that is taken: no rename, and the next pass still knows that one is asked for', () => {
    const made = plan({
      applied: {},
      declared: { userName: 'joan', path: '/x/' },
      nameTakenBy: observed({
        userName: 'Joan',
        userId: 'AIDAOTHER',
        arn: 'arn:aws:iam::111122223333:user/Joan',
      }),
    });
    expect(made.problems).toMatchObject([
      { reason: 'NameTaken', message: expect.stringContaining('user/Joan') },
    ]);
    expect(made.steps).toEqual([{ do: 'move', path: '/x/' }]);
    expect(made.after.userName).toBe('jo');
  });
});

describe('what is remembered', () => {
  test('before the first step: all that was ours and all that is about to be', () => {
    const { before, after } = plan({
      applied: { tags: ['old'], boundary },
      declared: { userName: 'joan', tags: { team: 'a' } },
      user: { boundary, tags: tagsOf({ old: '1' }) },
    });
    expect(before).toEqual(remembering({ tags: ['old', 'team'], boundary }));
    expect(after).toEqual(remembering({ userName: 'joan', tags: ['team'] }));
  });

  test('of a new user: what it is made with', () => {
    const declared = declare({ attributes: { city: 'Berlin' }, tags: { b: '1' }, boundary });
    const desired = desiredTags(declared, owner, rulesWith(), undefined, undefined);
    expect(memoryOfNew(declared, desired, { account: awsAccount, since: 7, tags: desired.tags })).toEqual(
      remembering({ tags: ['b', 'city'], boundary, since: 7 }),
    );
  });

  test('is the same in any order of its keys', () => {
    const one = remembering({ tags: ['a', 'b'], written: { x: '1', y: '2' } });
    expect(sameApplied(one, remembering({ tags: ['b', 'a'], written: { y: '2', x: '1' } }))).toBe(true);
    expect(sameApplied(undefined, one)).toBe(false);
    for (const other of [
      { userName: 'x' },
      { tags: ['a'] },
      { boundary },
      { written: {} },
      { since: 6 },
      { account: '1' },
    ]) {
      expect(sameApplied(one, { ...one, ...other })).toBe(false);
    }
  });
});
