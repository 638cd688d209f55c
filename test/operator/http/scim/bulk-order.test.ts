import { expect, test } from '@jest/globals';
import { changedBy, freesName } from '../../../../operator/http/scim/bulk-order.ts';
import type { BulkMethod, Changed, JsonObject } from '../../../../src/scim/index.ts';
import { patchOf } from './served.ts';

const add = (...ids: string[]) => ({ op: 'Add', path: 'members', value: ids.map((value) => ({ value })) });

test.each<[BulkMethod, string, object | undefined, Changed]>([
  ['PATCH', '/Users/u1', patchOf(), ['user u1']],
  ['DELETE', '/Account/u%31', undefined, ['user u1']],
  ['DELETE', '/Users/%zz', undefined, ['user %zz']],
  ['PUT', '/Shoes/1', {}, ['/shoes/1']],
  ['PATCH', '/Groups/g', patchOf(add('u1', 'bulkId:x'), add('u1')), ['group g', 'user u1', 'user bulkId:x']],
  [
    'PATCH',
    '/Groups/g',
    patchOf({ op: 'add', value: { members: [{ value: 'u1' }] } }),
    ['group g', 'user u1'],
  ],
  ['PATCH', '/Groups/g', patchOf({ op: 'remove', path: 'members', value: 'u1' }), ['group g', 'user u1']],
  ['PATCH', '/Groups/g', patchOf({ op: 'remove', path: 'members[value eq "u1"]' }), ['group g', 'user u1']],
  ['PATCH', '/Groups/g', patchOf({ op: 'remove', path: 'members[display eq "u1"]' }), 'all'],
  ['PATCH', '/Groups/g', patchOf({ op: 'remove', path: 'members' }), 'all'],
  ['PATCH', '/Groups/g', patchOf(add('u1'), { op: 'replace', path: 'members', value: [] }), 'all'],
  ['PATCH', '/Groups/g', patchOf({ op: 'add', path: 'members', value: [{ $ref: '/Users/u1' }] }), 'all'],
  ['PATCH', '/Groups/g', {}, 'all'],
  ['PUT', '/Groups/g', { members: [{ value: 'u1' }] }, 'all'],
])('%s %s %j changes %j', (method, path, data, expected) => {
  expect(
    changedBy({ method, path, data: data as JsonObject | undefined, bulkId: undefined, version: undefined }),
  ).toEqual(expected);
});

test.each<[BulkMethod, string, object | undefined, boolean]>([
  ['DELETE', '/Users/u1', undefined, true],
  ['DELETE', '/Shoes/1', undefined, false],
  ['PATCH', '/Account/u1', patchOf({ op: 'replace', path: 'USERNAME', value: 'x' }), true],
  ['PATCH', '/Account/u1', patchOf({ op: 'replace', value: { userName: 'x' } }), true],
  ['PATCH', '/Account/u1', patchOf({ op: 'replace', path: 'active', value: false }), false],
  ['PUT', '/Users/u1', { userName: 'x' }, true],
])('%s %s %j gives a name free: %j', (method, path, data, expected) => {
  expect(
    freesName({ method, path, data: data as JsonObject | undefined, bulkId: undefined, version: undefined }),
  ).toBe(expected);
});
