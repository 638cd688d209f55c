import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { operationKinds, OperationParser } from '../../../../src/idhub/index.ts';

const parser = new OperationParser();
const jo = { userName: 'jo' };
const o = { operationId: 'o' };
const groups = [{ type: 'Group', name: 'devs' }];

function parsed(body: unknown, at = '') {
  // As it comes from the wire.
  return parser.parse(JSON.parse(JSON.stringify(body)), at);
}

describe('an operation', () => {
  test.each<unknown>([
    { ...o, kind: 'create', data: jo },
    {
      ...o,
      kind: 'create',
      data: {
        ...jo,
        path: '/a/',
        externalId: 'x',
        active: false,
        attributes: { mail: 'a@b' },
        password: {},
        entitlements: [...groups, { arn: 'arn:x' }],
      },
    },
    { ...o, kind: 'update', account: { id: 'AIDA' }, data: { attributes: { mail: null }, externalId: null } },
    { ...o, kind: 'enable', account: jo },
    { ...o, kind: 'disable', account: jo },
    { ...o, kind: 'delete', account: jo },
    { ...o, kind: 'resetPassword', account: jo },
    { ...o, kind: 'resetPassword', account: jo, password: { value: 'x', resetRequired: false } },
    { ...o, kind: 'addEntitlement', account: jo, entitlements: groups },
    { ...o, kind: 'removeEntitlement', account: jo, entitlements: groups },
  ])('%j', (body) => {
    expect(parsed(body)).toEqual({ kind: 'operation', operation: body });
  });

  test.each<[unknown, readonly string[]]>([
    [1, ['The body is an operation: a JSON object.']],
    [[], ['The body is an operation: a JSON object.']],
    [
      { ...o },
      [
        '/kind is one of create, update, enable, disable, delete, resetPassword, addEntitlement, removeEntitlement.',
      ],
    ],
    [
      { ...o, kind: 'toString' },
      [
        '/kind is one of create, update, enable, disable, delete, resetPassword, addEntitlement, removeEntitlement.',
      ],
    ],
    [{ kind: 'enable' }, ['The body needs "operationId".', 'The body needs "account".']],
    [
      { operationId: 'a b', kind: 'enable', account: jo },
      ['/operationId has letters, digits and . _ : - and begins with a letter or digit.'],
    ],
    [
      { operationId: 'a'.repeat(129), kind: 'enable', account: jo },
      ['/operationId must NOT have more than 128 characters.'],
    ],
    [{ ...o, kind: 'enable', account: jo, data: {} }, ['The body has no "data".']],
    [
      { ...o, kind: 'enable', account: { ...jo, id: 'AIDA' } },
      ['/account has either "id" or "userName", and nothing else.'],
    ],
    [{ ...o, kind: 'enable', account: {} }, ['/account has either "id" or "userName", and nothing else.']],
    [{ ...o, kind: 'update', account: jo, data: {} }, ['/data says nothing to change.']],
    [{ ...o, kind: 'update', account: jo, data: { active: true } }, ['/data has no "active".']],
    [
      { ...o, kind: 'create', data: { ...jo, attributes: { mail: null } } },
      ['/data/attributes/mail must be string.'],
    ],
    [
      { ...o, kind: 'create', data: { ...jo, attributes: { '': 'x' } } },
      ['/data/attributes: the name "" must NOT have fewer than 1 characters.'],
    ],
    [{ ...o, kind: 'addEntitlement', account: jo, entitlements: [] }, ['/entitlements has at least 1.']],
    [
      { ...o, kind: 'addEntitlement', account: jo, entitlements: [{ type: 'Role', name: 'x' }] },
      [
        '/entitlements/0 has either "arn" or "type" and "name"; types are Group, AwsManagedPolicy, CustomerManagedPolicy, InlinePolicy.',
      ],
    ],
  ])('is not %j', (body, errors) => {
    expect(parsed(body)).toMatchObject({
      kind: 'invalid',
      result: { status: 'refused', reason: 'invalidOperation', message: errors[0], errors },
    });
  });

  test('of a list is named by its place', () => {
    const { result } = parsed({ ...o, kind: 'create', data: { userName: 3 } }, '/7') as {
      result: { errors: readonly string[]; operationId: string };
    };
    expect(result.errors).toEqual(['/7/data/userName must be string.']);
    expect(result.operationId).toBe('o');
  });

  test('that is too large is not looked into', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 9 }, (_, at) => [`a${at}`, 'x'.repeat(4_000)]),
    );
    expect(parsed({ ...o, kind: 'create', data: { ...jo, attributes } })).toMatchObject({
      kind: 'invalid',
      result: {
        message: expect.stringMatching(/^The body has \d+ bytes; an operation has 32768 at most\.$/),
      },
    });
  });

  test('with many faults tells the first twenty', () => {
    const odd = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`odd${at}`, 1]));
    const { result } = parsed({ ...o, kind: 'enable', account: jo, ...odd }) as {
      result: { errors: readonly string[] };
    };
    expect(result.errors).toHaveLength(21);
    expect(result.errors.at(-1)).toBe('… and 280 more.');
  });

  test('is never told back with its values', () => {
    const bodies = [
      { ...o, kind: 'resetPassword', account: jo, password: 'C4nary-value' },
      { ...o, kind: 'resetPassword', account: jo, password: { value: ['C4nary-value'] } },
      { ...o, kind: 'resetPassword', account: jo, password: { value: 'C4nary-value'.repeat(20) } },
      { ...o, kind: 'create', data: { ...jo, password: { value: 'C4nary-value', generated: true } } },
      { operationId: 'C4nary-value !', kind: 'enable', account: jo },
    ];
    expect(JSON.stringify(bodies.map((body) => parsed(body)))).not.toContain('C4nary');
  });

  test('may not reach into prototypes', () => {
    const body =
      '{"operationId":"o","kind":"create","data":{"userName":"jo","attributes":{"__proto__":"x"}},"__proto__":{"kind":"delete"}}';
    expect(parser.parse(JSON.parse(body), '')).toMatchObject({
      kind: 'invalid',
      result: { errors: ['The body has no "__proto__".'] },
    });
  });
});

/** Bodies that are near to operations. */
const near = fc.oneof(
  fc.jsonValue(),
  fc.record({
    operationId: fc.constantFrom('o', 'a-1'),
    kind: fc.constantFrom('enable', 'disable', 'delete'),
    account: fc.oneof(fc.record({ userName: fc.string() }), fc.record({ id: fc.string() })),
  }),
  fc.record(
    {
      operationId: fc.oneof(fc.string(), fc.constant('o'), fc.jsonValue()),
      kind: fc.oneof(
        fc.constantFrom(...operationKinds),
        fc.string(),
        fc.constantFrom('toString', 'constructor'),
      ),
      account: fc.oneof(
        fc.record({ id: fc.string() }, { requiredKeys: [] }),
        fc.record({ userName: fc.string() }),
        fc.jsonValue(),
      ),
      data: fc.oneof(
        fc.record(
          {
            userName: fc.string(),
            path: fc.string(),
            attributes: fc.dictionary(fc.string(), fc.jsonValue()),
            password: fc.jsonValue(),
          },
          { requiredKeys: [] },
        ),
        fc.jsonValue(),
      ),
      password: fc.oneof(fc.record({ value: fc.string() }), fc.jsonValue()),
      entitlements: fc.oneof(fc.array(fc.record({ arn: fc.string() })), fc.jsonValue()),
      [`more`]: fc.jsonValue(),
    },
    { requiredKeys: [] },
  ),
);

test('10,000 bodies are operations, or refused with a sentence', () => {
  let taken = 0;
  fc.assert(
    fc.property(near, (body) => {
      const result = parser.parse(JSON.parse(JSON.stringify(body)), '/0');
      taken += Number(result.kind === 'operation');
      return (
        result.kind === 'operation' ||
        (result.errors.length > 0 &&
          result.errors.length <= 21 &&
          result.errors.every((sentence) => sentence.endsWith('.') && !sentence.includes('undefined')))
      );
    }),
    { numRuns: 10_000, seed: 20_261_126 },
  );
  expect(taken).toBeGreaterThan(20);
});
