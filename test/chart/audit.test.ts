import { expect, test } from '@jest/globals';
import { compare, rightsOf, type Asked } from './audit.ts';

const rights = rightsOf([
  { metadata: {}, rules: [{ apiGroups: ['g'], resources: ['things', 'things/status'], verbs: ['get'] }] },
  { metadata: { namespace: 'own' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['create'] }] },
]);
const all: readonly Asked[] = [
  { verb: 'get', resource: 'g/things', namespace: 'a', code: 200 },
  { verb: 'get', resource: 'g/things/status', namespace: 'b', code: 404 },
  { verb: 'create', resource: '/secrets', namespace: 'own', code: 201 },
];

test('rights that are used, and nothing beside them', () => {
  expect(compare(rights, all)).toEqual({ unused: [], missing: [] });
});

test.each<[string, Asked]>([
  ['get g/things', { verb: 'get', resource: 'g/things', namespace: 'a', code: 500 }],
  ['create /secrets in own', { verb: 'create', resource: '/secrets', namespace: 'own', code: 409 }],
])('unused: %s, where it was not answered', (right, instead) => {
  const log = [
    ...all.filter(({ verb, resource }) => `${verb} ${resource}` !== `${instead.verb} ${instead.resource}`),
    instead,
  ];
  expect(compare(rights, log)).toEqual({ unused: [right], missing: [] });
});

test.each<[string, Asked]>([
  ['list g/things in a: 403', { verb: 'list', resource: 'g/things', namespace: 'a', code: 403 }],
  ['create /secrets in other: 201', { verb: 'create', resource: '/secrets', namespace: 'other', code: 201 }],
  ['get g/things in c: 403', { verb: 'get', resource: 'g/things', namespace: 'c', code: 403 }],
])('missing: %s', (said, request) => {
  expect(compare(rights, [...all, request])).toEqual({ unused: [], missing: [said] });
});

test('refused for a moment, and answered at another time, is not missing', () => {
  const refused = { verb: 'get', resource: 'g/things', namespace: 'a', code: 403 };
  expect(compare(rights, [refused, ...all])).toEqual({ unused: [], missing: [] });
});
