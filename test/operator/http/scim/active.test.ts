import { expect, test } from '@jest/globals';
import { patchOf, serveScim } from './served.ts';

const paths = ['Account', 'Users'];
const ops = ['Replace', 'replace', 'REPLACE', 'Add', 'add'];
const forms = (value: unknown) => [
  { path: 'active', value },
  { path: 'ACTIVE', value },
  { value: { active: value } },
];

/** Each type with each way to write an operation that sets `active`. */
function operations(value: unknown) {
  return paths.flatMap((path) =>
    ops.flatMap((op) => forms(value).map((form) => ({ path, operation: { op, ...form } }))),
  );
}

// C24: whoever is disabled by any client is disabled.
test.each([
  ['False', false],
  ['false', false],
  ['FALSE', false],
  [false, false],
  ['True', true],
  ['true', true],
  [true, true],
])('active %j comes to %j, whoever writes it', async (value, active) => {
  const { send, directory } = await serveScim();
  for (const { path, operation } of operations(value)) {
    const { userId, version } = directory.has({ userName: 'jo', active: !active });
    const answer = await send('PATCH', `/${path}/${userId}`, patchOf(operation));
    expect([operation, answer.status, answer.body['active']]).toEqual([operation, 200, active]);
    expect(directory.asked.splice(0)).toMatchObject([{ act: 'change', id: userId, write: { active } }]);
    const now = directory.latest().account(userId);
    expect(now).toMatchObject({ active });
    expect(now?.version).not.toBe(version);
    await directory.remove(userId, { caller: 'test', requestId: 'r', signal: new AbortController().signal });
    directory.asked.splice(0);
  }
});

test.each(['no', 'False ', '', 0, 1, null, [], [false], {}, { value: false }])(
  'active %j is refused, and nobody is changed',
  async (value) => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'jo', active: true });
    for (const { path, operation } of operations(value)) {
      const { status, body } = await send('PATCH', `/${path}/${userId}`, patchOf(operation));
      expect([operation, status, body['scimType']]).toEqual([operation, 400, 'invalidValue']);
    }
    for (const path of paths) {
      const { status, body } = await send('PUT', `/${path}/${userId}`, { userName: 'jo', active: value });
      expect([path, status, body['scimType']]).toEqual([path, 400, 'invalidValue']);
    }
    expect([directory.asked, directory.accounts.map(({ active }) => active)]).toEqual([[], [true]]);
  },
);
