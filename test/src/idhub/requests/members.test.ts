import { describe, expect, test } from '@jest/globals';
import { membersToPatch, membersToReplace } from '../../../../src/idhub/requests/index.ts';
import { DirectoryUnavailableError } from '../../../../src/idhub/index.ts';
import { account, group, inGroup, viewOf } from '../directory.ts';

const readers = group('readers');
const user = (id: string, member: boolean, managed = false): ReturnType<typeof account> =>
  account({ userId: id, userName: `n-${id}`, managed, entitlements: member ? [inGroup('readers')] : [] });
const view = viewOf({
  accounts: [user('u1', true), user('u2', true), user('u3', true), user('u4', false), user('m1', true, true)],
  groups: [readers],
});

/** `+id` goes in, `-id` goes out. */
function told(writes: ReturnType<typeof membersToPatch>): readonly string[] {
  const arn = readers.entitlementArn;
  return writes.map(({ id, write }) => {
    const goesIn = (write.entitlements?.add.length ?? 0) > 0;
    const edges = goesIn ? { add: [{ arn }], remove: [] } : { add: [], remove: [{ arn }] };
    expect(write).toEqual({ entitlements: edges });
    return `${goesIn ? '+' : '-'}${id}`;
  });
}

function patchOf(...operations: readonly object[]): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
}

describe('C25: PATCH of members', () => {
  test.each<[string, object[], string[]]>([
    ['Entra ID removes one', [{ op: 'Remove', path: 'members', value: [{ value: 'u2' }] }], ['-u2']],
    ['an object in place of a list', [{ op: 'remove', path: 'members', value: { value: 'u2' } }], ['-u2']],
    [
      'with $ref null, and a display',
      [{ op: 'remove', path: 'members', value: [{ $ref: null, value: 'u2', display: 'x' }] }],
      ['-u2'],
    ],
    ['Okta and the standard remove one', [{ op: 'remove', path: 'members[value eq "u2"]' }], ['-u2']],
    [
      'one who is not in it, and one whom there is not, go without a word',
      [{ op: 'remove', path: 'members', value: [{ value: 'u4' }, { value: 'nobody' }] }],
      ['-u4'],
    ],
    ['one comes', [{ op: 'Add', path: 'members', value: [{ value: 'u4' }] }], ['+u4']],
    ['one comes, without a path', [{ op: 'add', value: { members: [{ value: 'u4' }] } }], ['+u4']],
    ['one is there already', [{ op: 'add', path: 'members', value: [{ value: 'u1' }] }], []],
    [
      'one of ours is there already, and may be about to leave',
      [{ op: 'add', path: 'members', value: [{ value: 'm1' }] }],
      ['+m1'],
    ],
    [
      'all others go',
      [{ op: 'replace', path: 'members', value: [{ value: 'u1' }, { value: 'u4' }] }],
      ['+u4', '-m1', '-u2', '-u3'],
    ],
    ['all go', [{ op: 'replace', path: 'members', value: [] }], ['-m1', '-u1', '-u2', '-u3']],
    [
      'its own name is said with it',
      [{ op: 'replace', value: { id: 'x', displayName: 'readers', members: [{ value: 'u1' }] } }],
      ['-m1', '-u2', '-u3'],
    ],
    ['externalId is taken and not kept', [{ op: 'replace', path: 'externalId', value: 'x' }], []],
  ])('%s', (_, operations, expected) => {
    expect(told(membersToPatch(patchOf(...operations), readers, view)).toSorted()).toEqual(
      expected.toSorted(),
    );
  });

  test.each<[string, object[], string]>([
    ['a removal that names nobody', [{ op: 'remove', path: 'members' }], 'invalidPath'],
    ['somebody whom there is not', [{ op: 'add', path: 'members', value: [{ value: 'x' }] }], 'invalidValue'],
    ['a member without an id', [{ op: 'add', path: 'members', value: [{ display: 'x' }] }], 'invalidValue'],
    ['another name', [{ op: 'replace', path: 'displayName', value: 'x' }], 'mutability'],
    [
      'another name as a key',
      [{ op: 'replace', value: { displayName: 'x', members: [{ value: 'u4' }] } }],
      'mutability',
    ],
    [
      'the second of two: nobody goes',
      [
        { op: 'remove', path: 'members', value: [{ value: 'u2' }] },
        { op: 'replace', path: 'members[shoeSize eq "9"].value', value: 'x' },
      ],
      'invalidFilter',
    ],
  ])('refuses %s', (_, operations, scimType) => {
    expect(() => membersToPatch(patchOf(...operations), readers, view)).toThrow(
      expect.objectContaining({ scimType }),
    );
  });
});

describe('PUT of members', () => {
  test.each<[string, object, string[]]>([
    ['others', { members: [{ value: 'u1' }, { value: 'u4' }] }, ['+u4', '-m1', '-u2', '-u3']],
    ['nobody', { displayName: 'readers', members: [] }, ['-m1', '-u1', '-u2', '-u3']],
    ['not said', { displayName: 'readers' }, []],
    [
      'by address',
      { members: [{ $ref: 'https://x/scim/v2/Users/u4' }] },
      ['+u4', '-m1', '-u1', '-u2', '-u3'],
    ],
  ])('%s', (_, body, expected) => {
    expect(told(membersToReplace(body, readers, view)).toSorted()).toEqual(expected.toSorted());
  });

  test('does not say that it renamed', () => {
    expect(() => membersToReplace({ displayName: 'writers', members: [] }, readers, view)).toThrow(
      expect.objectContaining({ scimType: 'mutability' }),
    );
  });
});

test('where it is not known who is in it, nothing is guessed', () => {
  const dark = viewOf({ accounts: [account({ entitlements: undefined })], groups: [readers] });
  expect(() => membersToReplace({ members: [] }, readers, dark)).toThrow(DirectoryUnavailableError);
  expect(() =>
    membersToPatch(patchOf({ op: 'remove', path: 'members[value eq "x"]' }), readers, dark),
  ).toThrow(DirectoryUnavailableError);
});
