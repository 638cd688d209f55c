import { describe, expect, test } from '@jest/globals';
import {
  identify,
  ownership,
  ownerTag,
  ownerValue,
  tagValue,
  type AdoptionPolicy,
  type Identity,
  type Memory,
  type Sighting,
} from '../../../src/account/index.ts';
import { declare, nothingKnown, observed, owner, ownerOfOther } from './material.ts';

type Mark = 'none' | 'empty' | 'ours' | 'other object' | 'other installation';

const marks: Readonly<Record<Mark, string | undefined>> = {
  none: undefined,
  empty: '',
  ours: ownerValue(owner),
  'other object': ownerOfOther,
  'other installation': 'elsewhere/ns/jo',
};

const userOf = (userId: string, mark: Mark, userName = 'jo') => {
  const value = marks[mark];
  return observed({ userId, userName, tags: value === undefined ? [] : [{ key: ownerTag, value }] });
};

const nobody: Sighting = { byId: undefined, byName: undefined, byOwner: undefined };

interface Row {
  readonly title: string;
  readonly memory?: string;
  readonly policy?: AdoptionPolicy;
  readonly confirmed?: string;
  readonly seen: Partial<Sighting>;
  readonly expected: string;
}

/** `kind`, or `refused: reason`, then the id that it speaks of. */
function told(identity: Identity): string {
  switch (identity.kind) {
    case 'absent':
      return 'absent';
    case 'gone':
      return `gone ${identity.userId}`;
    case 'ours':
      return `ours ${identity.user.userId}`;
    case 'adoptable':
      return `adoptable ${identity.user.userId}${identity.previousOwner === undefined ? '' : ` from ${identity.previousOwner}`}`;
    case 'refused':
      return `refused: ${identity.reason} ${identity.user.userId}`;
  }
}

const policies: readonly AdoptionPolicy[] = ['Never', 'IfUnowned', 'Always'];

const withoutMemory: Row[] = [
  { title: 'nobody', seen: {}, expected: 'absent' },
  {
    title: 'ours by owner tag and name',
    seen: { byName: userOf('A', 'ours'), byOwner: userOf('A', 'ours') },
    expected: 'ours A',
  },
  {
    title: 'an old owner tag under another name makes nobody ours',
    seen: { byOwner: userOf('A', 'ours', 'joan') },
    expected: 'refused: IdentityChanged A',
  },
  {
    title: 'the same, confirmed by a person',
    confirmed: 'A',
    seen: { byOwner: userOf('A', 'ours', 'joan') },
    expected: 'ours A',
  },
  {
    title: 'an old owner tag under another name, while a stranger has the declared one',
    seen: { byName: userOf('B', 'none'), byOwner: userOf('A', 'ours', 'joan') },
    expected: 'refused: IdentityChanged A',
  },
  ...policies.flatMap((policy): Row[] => [
    {
      title: `a name of nobody’s, ${policy}`,
      policy,
      seen: { byName: userOf('B', 'none') },
      expected: policy === 'Never' ? 'refused: AlreadyExists B' : 'adoptable B',
    },
    {
      title: `a name with an empty owner tag, ${policy}`,
      policy,
      seen: { byName: userOf('B', 'empty') },
      expected: policy === 'Never' ? 'refused: AlreadyExists B' : 'adoptable B',
    },
    {
      title: `a name of another object’s, ${policy}`,
      policy,
      seen: { byName: userOf('B', 'other object') },
      expected: policy === 'Always' ? 'adoptable B from inst/ns/other' : 'refused: Conflict B',
    },
    {
      title: `a name of another installation’s, ${policy}`,
      policy,
      seen: { byName: userOf('B', 'other installation') },
      expected: policy === 'Always' ? 'adoptable B from elsewhere/ns/jo' : 'refused: AlreadyExists B',
    },
  ]),
];

const withMemory: Row[] = [
  { title: 'nobody', memory: 'A', seen: {}, expected: 'gone A' },
  ...policies.flatMap((policy): Row[] => [
    {
      title: `ours, ${policy}`,
      memory: 'A',
      policy,
      seen: { byId: userOf('A', 'ours') },
      expected: 'ours A',
    },
    {
      title: `the owner tag stripped, ${policy}`,
      memory: 'A',
      policy,
      seen: { byId: userOf('A', 'none'), byName: userOf('A', 'none') },
      expected: 'ours A',
    },
    {
      title: `taken over by another object, ${policy}`,
      memory: 'A',
      policy,
      seen: { byId: userOf('A', 'other object') },
      expected: 'refused: Conflict A',
    },
    {
      title: `taken over by another installation, ${policy}`,
      memory: 'A',
      policy,
      seen: { byId: userOf('A', 'other installation') },
      expected: 'refused: AlreadyExists A',
    },
    {
      title: `taken over by another object, and a person takes it back, ${policy}`,
      memory: 'A',
      policy,
      confirmed: 'A',
      seen: { byId: userOf('A', 'other object') },
      expected: 'adoptable A from inst/ns/other',
    },
    {
      title: `renamed in AWS, the old name taken by a stranger, ${policy}`,
      memory: 'A',
      policy,
      seen: { byId: userOf('A', 'ours', 'joan'), byName: userOf('B', 'none') },
      expected: 'ours A',
    },
    {
      title: `deleted and made again by somebody, ${policy}`,
      memory: 'A',
      policy,
      seen: { byName: userOf('B', 'none') },
      expected: 'refused: IdentityChanged B',
    },
    {
      title: `deleted and made again with a copied owner tag, ${policy}`,
      memory: 'A',
      policy,
      seen: { byName: userOf('B', 'ours'), byOwner: userOf('B', 'ours') },
      expected: 'refused: IdentityChanged B',
    },
    {
      title: `made again and confirmed, ${policy}`,
      memory: 'A',
      policy,
      confirmed: 'B',
      seen: { byName: userOf('B', 'none') },
      expected: 'adoptable B',
    },
    {
      title: `made again, and another id confirmed, ${policy}`,
      memory: 'A',
      policy,
      confirmed: 'C',
      seen: { byName: userOf('B', 'none') },
      expected: 'refused: IdentityChanged B',
    },
  ]),
  {
    title: 'a confirmation is of no use while the user is there',
    memory: 'A',
    confirmed: 'B',
    seen: { byId: userOf('A', 'ours') },
    expected: 'ours A',
  },
];

function decide({ memory, policy, confirmed, seen }: Row): Identity {
  const remembered: Memory = memory === undefined ? nothingKnown : { userId: memory, applied: undefined };
  const declared = declare({ adoptionPolicy: policy ?? 'Never', confirmedId: confirmed });
  return identify(declared, owner, remembered, { ...nobody, ...seen });
}

describe('which user an object stands for, when it remembers none', () => {
  test.each(withoutMemory)('$title: $expected', (row) => {
    expect(told(decide(row))).toBe(row.expected);
  });
});

describe('which user an object stands for, when it remembers one', () => {
  test.each(withMemory)('$title: $expected', (row) => {
    expect(told(decide(row))).toBe(row.expected);
  });
});

test('every refusal says what to do next', () => {
  const refusals = [...withoutMemory, ...withMemory]
    .map(decide)
    .filter((identity) => identity.kind === 'refused');
  expect(refusals.length).toBeGreaterThan(8);
  for (const { message, user } of refusals) {
    expect(message).toContain(`"${user.userName}"`);
    expect(message).toMatch(/spec\.adoptionPolicy|confirm-user-id=[AB]/);
  }
});

test('an object that another installation looks after, too, is told so', () => {
  const row: Row = {
    title: '',
    memory: 'A',
    seen: { byId: userOf('A', 'other installation') },
    expected: '',
  };
  expect(decide(row)).toMatchObject({
    message: expect.stringMatching(
      /belongs to this object, as installation elsewhere .* this operator is installation inst\..*stop one.*--installation-id=elsewhere; .*confirm-user-id=A/,
    ) as unknown,
  });
});

describe('the owner tag', () => {
  test('is the whole path of the object where it fits', () => {
    expect(ownerValue(owner)).toBe('inst/ns/jo');
  });

  test('fits into a tag whatever the names are, and tells them apart', () => {
    const long = (name: string): string =>
      ownerValue({ installation: 'i'.repeat(63), namespace: 'n'.repeat(63), name });
    const one = long(`${'x'.repeat(252)}a`);
    const other = long(`${'x'.repeat(252)}b`);
    for (const value of [one, other, long('x'.repeat(127)), long('x'.repeat(128)), long('x'.repeat(129))]) {
      expect(value.length).toBeLessThanOrEqual(256);
      expect(value).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u);
      expect(value.startsWith(`${'i'.repeat(63)}/`)).toBe(true);
    }
    expect(one).not.toBe(other);
    expect(long('x'.repeat(128))).toHaveLength(256);
  });

  test.each<[Mark, string]>([
    ['none', 'none'],
    ['empty', 'none'],
    ['ours', 'ours'],
    ['other object', 'otherObject'],
    ['other installation', 'otherInstallation'],
  ])('%s', (mark, kind) => {
    expect(ownership(userOf('A', mark).tags, owner).kind).toBe(kind);
  });

  test.each([
    ['an installation whose id begins like ours', 'inst2/ns/jo', 'otherInstallation'],
    ['an object whose name begins like ours', 'inst/ns/jo2', 'otherObject'],
    ['something that somebody made up', 'HR', 'otherInstallation'],
  ])('%s', (_, value, kind) => {
    expect(ownership([{ key: ownerTag, value }], owner)).toMatchObject({ kind, value });
  });

  test('is found in any case of its key, as IAM keeps one of them', () => {
    expect(tagValue([{ key: 'AWS.idhub.io/OWNER', value: 'x' }], ownerTag)).toBe('x');
  });
});
